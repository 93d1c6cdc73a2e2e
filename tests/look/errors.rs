//! Reconstruction errors per image.

use super::common::{model, split, text, values};

#[test]
fn errors_are_per_image_and_the_worst_come_first() {
    let ae = model();
    let data = split(
        &[
            [0.1, 0.2, 0.0, 0.0],
            [0.0, 0.0, 1.0, 1.0],
            [0.0, 0.0, 0.4, 0.0],
        ],
        None,
    );
    let errors = ae.errors(&data).unwrap();
    assert!(
        errors
            .iter()
            .zip([0.0, 0.5, 0.04])
            .all(|(a, b)| (a - b).abs() < 1e-6),
        "{errors:?}"
    );
    let mean = errors.iter().sum::<f32>() / 3.0;
    assert!((mean - ae.evaluate(&data).unwrap()).abs() < 1e-6);
    let worst = ae.worst(&data, 2).unwrap();
    assert_eq!(
        values(worst.tensor())[..8],
        [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.4, 0.0]
    );
    assert!(
        text(&ae.error_histogram(&data).unwrap())
            .starts_with("Reconstruction errors\n3 values in 60 bins, 0 to 1")
    );
}
