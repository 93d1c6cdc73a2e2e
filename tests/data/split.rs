//! Splits and data sets: shapes, values, what does not fit.

use candlebook::prelude::*;

#[test]
fn bytes_become_floats_in_the_unit_range_in_the_order_asked_for() {
    let split = Split::from_bytes(vec![0, 255, 51, 102], (1, 1, 2), Some(vec![7, 8])).unwrap();
    let images = split.images(&[1, 0]).unwrap();
    assert_eq!(images.dims(), [2, 1, 1, 2]);
    let values = images.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for (value, expected) in values.iter().zip([0.2, 0.4, 0.0, 1.0]) {
        assert!((value - expected).abs() < 1e-6, "{values:?}");
    }
    assert_eq!(split.labels(), Some(vec![7, 8]));
    assert_eq!(split.take(1).labels(), Some(vec![7]));
}

#[test]
fn the_mean_image_is_the_mean_over_pictures() {
    let images = Tensor::new(&[0f32, 1.0, 0.5, 0.0], &Device::Cpu)
        .unwrap()
        .reshape((2, 1, 1, 2))
        .unwrap();
    let mean = Split::from_tensor(&images, None)
        .unwrap()
        .mean_image()
        .unwrap();
    assert_eq!(
        mean.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
        [0.25, 0.5]
    );
}

#[test]
fn what_does_not_fit_is_an_error_in_words() {
    let text = |result: Result<Split, Error>| result.unwrap_err().to_string();
    assert_eq!(
        text(Split::from_bytes(vec![0; 5], (1, 1, 2), None)),
        "Split::from_bytes: expected a whole number of pictures of 1 x 1 x 2 = 2 bytes, got 5. Check the shape"
    );
    assert_eq!(
        text(Split::from_bytes(vec![0; 4], (1, 1, 2), Some(vec![0]))),
        "labels: expected one for each of 2 pictures, got 1. Give both from the same source"
    );
    assert!(text(Split::from_bytes(vec![], (1, 1, 2), None)).contains("at least one picture"));
    let flat = Tensor::zeros((2, 4), DType::F32, &Device::Cpu).unwrap();
    assert!(
        text(Split::from_tensor(&flat, None))
            .starts_with("Split::from_tensor: expected (n, c, h, w), got [2, 4]")
    );
    let split = Split::from_bytes(vec![0; 4], (1, 1, 2), None).unwrap();
    assert_eq!(
        split.images(&[2]).unwrap_err().to_string(),
        "position: expected below 2, got 2. Positions count from 0"
    );
    let other = Split::from_bytes(vec![0; 4], (1, 2, 2), None).unwrap();
    assert!(
        Dataset::new("d", "here", split, other)
            .unwrap_err()
            .to_string()
            .starts_with("test pictures: expected")
    );
}

#[test]
fn a_dataset_shows_a_table_and_a_strip() {
    let contents = mnist_embedded().unwrap().contents().unwrap();
    let table = contents[0].get("text/plain").unwrap();
    assert!(
        table.contains("train") && table.contains("4000") && table.contains("10 classes"),
        "{table}"
    );
    assert!(contents[0].get("text/html").unwrap().contains("<td"));
    assert!(contents[1].get("image/png").is_some());
}
