//! Traversals.

use super::common::{image, model, split, values};
use candlebook::prelude::*;

#[test]
fn traversal_changes_one_value_of_the_code() {
    let ae = model();
    let rows = ae
        .traversal(&image([0.3, 0.4, 0.0, 0.0]), &[0, 1], 0.0..=2.0, 3)
        .unwrap();
    let decoded: Vec<[f32; 2]> = values(rows.tensor())
        .chunks(4)
        .map(|image| [image[0], image[1]])
        .collect();
    let expected = [
        [0.0, 0.4],
        [0.5, 0.4],
        [1.0, 0.4],
        [0.3, 0.0],
        [0.3, 0.5],
        [0.3, 1.0],
    ];
    assert!(
        decoded
            .iter()
            .flatten()
            .zip(expected.iter().flatten())
            .all(|(a, b)| (a - b).abs() < 1e-6),
        "{decoded:?}"
    );
    let error = |units: &[usize], range, steps| {
        ae.traversal(&image([0.0; 4]), units, range, steps)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&[2], 0.0..=1.0, 3),
        "index in the code: expected below 2, got 2. Indexes count from 0"
    );
    assert_eq!(
        error(&[], 0.0..=1.0, 3),
        "units: expected at least one index in the code, got none. Write them as &[0, 1, 2]"
    );
    assert_eq!(
        error(&[0], 1.0..=1.0, 3),
        "range: expected finite ends, the first below the second, got 1..=1. Write it as -3.0..=3.0"
    );
    assert_eq!(
        error(&[0], 0.0..=1.0, 1),
        "steps: expected 2 to 1000, got 1. 9 is a good start"
    );
}

#[test]
fn unpooling_uses_the_maxima_of_the_image() {
    let ae = Autoencoder::new(
        (1, 2, 2),
        &[MaxPool2d(2), Flatten],
        &[Unflatten(1, 1, 1), MaxUnpool2d(2)],
    )
    .unwrap();
    let left = image([0.0, 0.0, 0.5, 0.0]);
    let rows = ae.traversal(&left, &[0], 0.0..=1.0, 3).unwrap();
    assert_eq!(
        values(rows.tensor()),
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 1.0, 0.0]
    );
}

#[test]
fn logits_become_images() {
    let (mut ae, data) = (model(), split(&[[0.25; 4]; 8], None));
    let fit = Fit {
        epochs: 1,
        batch_size: 8,
        learning_rate: 1e-12,
        loss: Loss::BinaryCrossEntropyWithLogits,
        ..Default::default()
    };
    let data = Dataset::new("squares", "a test", data.clone(), data).unwrap();
    ae.fit(&data, &fit).unwrap();
    let rows = ae.traversal(&image([0.0; 4]), &[0], 0.0..=2.0, 2).unwrap();
    let decoded = values(rows.tensor());
    // 1 / (1 + exp(-1))
    assert!((decoded[0] - 0.5).abs() < 1e-6 && (decoded[4] - 0.731_058_6).abs() < 1e-6);
    assert!(
        explore(&ae)
            .unwrap()
            .to_html()
            .unwrap()
            .contains("{\"kind\":\"sigmoid\"}]")
    );
}
