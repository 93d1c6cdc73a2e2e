//! Data sets: shapes, output.

use crate::support::error;
use candlebook::prelude::*;
use candlebook::show::Show;

#[test]
fn splits_of_different_shapes_are_rejected() {
    let split = |shape| Split::from_bytes(vec![0; 4], shape, None).unwrap();
    assert_eq!(
        error(Dataset::new(
            "d",
            "here",
            split((1, 1, 2)),
            split((1, 2, 2))
        )),
        "test images: expected (1, 1, 2), got (1, 2, 2). Both splits need images of one shape"
    );
}

#[test]
fn a_dataset_shows_a_table_and_sample_images() {
    let contents = mnist_embedded().unwrap().contents().unwrap();
    let table = contents[0].get("text/plain").unwrap();
    assert!(
        table.contains("train") && table.contains("4000") && table.contains("10 classes"),
        "{table}"
    );
    assert!(contents[0].get("text/html").unwrap().contains("<td"));
    assert!(contents[1].get("image/png").is_some());
}
