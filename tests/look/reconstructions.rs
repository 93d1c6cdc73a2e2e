//! Images above their reconstructions.

use super::common::{model, split, text, values};
use candlebook::prelude::*;

#[test]
fn reconstructions_are_a_row_below_the_originals() {
    let rows = model()
        .reconstructions(
            &split(&[[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]], None),
            2,
        )
        .unwrap();
    let expected = [
        0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.1, 0.2, 0.0, 0.0, 0.5, 0.6, 0.0, 0.0,
    ];
    assert!(
        values(rows.tensor())
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() < 1e-6)
    );
    assert!(text(&rows).contains("rows: originals, reconstructions"));
}

#[test]
fn reconstructions_of_vectors_are_lines_in_the_range_of_the_data() {
    let vectors = Tensor::new(&[[-4f32, 8.0, 2.0]], &Device::Cpu).unwrap();
    let split = Split::vectors(&vectors, None).unwrap();
    let ae = Autoencoder::symmetric((1, 1, 3), &[Linear(2)]).unwrap();
    let rows = ae.reconstructions(&split, 1).unwrap();
    assert_eq!(rows.tensor().dims(), [2, 1, 1, 3]);
    let text = text(&rows);
    assert!(
        text.starts_with("vectors: 2 of shape (1, 1, 3), values "),
        "{text}"
    );
    assert!(!text.contains("clipped") && text.contains("▁█▅"), "{text}");
    assert!(ae.worst(&split, 1).unwrap().to_png().is_ok());
    let first = split.first(1).unwrap();
    assert!(ae.neighbors(&first, &split, 1).unwrap().to_png().is_ok());
    assert!(
        ae.traversal(&vectors, &[0], -1.0..=1.0, 3)
            .unwrap()
            .to_png()
            .is_ok()
    );
}
