//! Traversals and interpolations.

use super::common::{image, model, values};
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
fn interpolation_leads_from_one_image_to_the_other() {
    let between = model()
        .interpolation(
            &image([0.0, 0.4, 0.0, 0.0]),
            &image([1.0, 0.8, 0.0, 0.0]),
            3,
        )
        .unwrap();
    let decoded: Vec<f32> = values(between.tensor())
        .chunks(4)
        .flat_map(|image| [image[0], image[1]])
        .collect();
    assert!(
        decoded
            .iter()
            .zip([0.0, 0.4, 0.5, 0.6, 1.0, 0.8])
            .all(|(a, b)| (a - b).abs() < 1e-6),
        "{decoded:?}"
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
    let (left, right) = (image([0.0, 0.0, 0.5, 0.0]), image([0.0, 0.9, 0.0, 0.0]));
    let rows = ae.traversal(&left, &[0], 0.0..=1.0, 3).unwrap();
    assert_eq!(
        values(rows.tensor()),
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 1.0, 0.0]
    );
    let between = values(ae.interpolation(&left, &right, 2).unwrap().tensor());
    assert_eq!(between, [0.0, 0.0, 0.5, 0.0, 0.0, 0.9, 0.0, 0.0]);
}
