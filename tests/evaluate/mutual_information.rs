//! Mutual information gap.

use super::common::{data, error, model};
use candlebook::evaluate::mutual_information_gap;
use candlebook::prelude::*;

/// ```python
/// i = np.arange(300)
/// codes = np.stack([np.sin(0.1 * i) + 0.5 * (i % 3), np.cos(1.7 * i),
///                   (i % 5) + 0.3 * np.sin(i), np.ones(300)], 1).astype(np.float32).astype(float)
/// ```
fn codes() -> Tensor {
    let row = |i: u32| {
        let x = f64::from(i);
        let first = (0.1 * x).sin() + 0.5 * f64::from(i % 3);
        [
            first,
            (1.7 * x).cos(),
            f64::from(i % 5) + 0.3 * x.sin(),
            1.0,
        ]
    };
    let values: Vec<f32> = (0..300).flat_map(row).map(|value| value as f32).collect();
    Tensor::from_vec(values, (300, 4), &Device::Cpu).unwrap()
}

fn factor(n: u32) -> Vec<u32> {
    (0..300).map(|i| i % n).collect()
}

#[test]
fn the_gap_is_that_of_disentanglement_lib() {
    // As disentanglement_lib's mig.py and utils.py:
    // bins = [np.digitize(m, np.histogram(m, 20)[1][:-1]) for m in codes.T]
    // def gap(y):
    //     told = sorted((mutual_info_score(y, m) for m in bins), reverse=True)
    //     return (told[0] - told[1]) / mutual_info_score(y, y)
    // gap(i % 3), gap(i % 5)  # 0.34266345, 0.75444306
    let gap = |factors: &[Vec<u32>]| mutual_information_gap(&codes(), factors).unwrap();
    assert!((gap(&[factor(3)]) - 0.3426634461602784).abs() < 1e-9);
    assert!((gap(&[factor(5)]) - 0.7544430583640226).abs() < 1e-9);
    assert!((gap(&[factor(3), factor(5)]) - 0.5485532522621505).abs() < 1e-9);
}

#[test]
fn bad_input_is_explained() {
    let gap = |codes: &Tensor, factors: &[Vec<u32>]| mutual_information_gap(codes, factors);
    assert!(error(gap(&codes(), &[])).contains("expected at least one factor, got none"));
    assert!(
        error(gap(&codes(), &[vec![1; 300]])).contains("a factor of at least two values, got one")
    );
    assert!(error(gap(&codes(), &[vec![1, 2]])).contains("one value for each of 300 codes, got 2"));
    let one = codes().narrow(1, 0, 1).unwrap();
    assert!(error(gap(&one, &[factor(3)])).contains("codes of at least two values, got 1"));
    let unlabeled = data(false);
    let missing = model(&unlabeled).mutual_information_gap(&unlabeled.test);
    assert!(error(missing).contains("expected images with labels, got none"));
}
