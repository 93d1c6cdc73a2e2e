//! Random numbers: reproducible, independent by purpose, and with the moments of their
//! distribution.

use candlebook::math::{Purpose, Rng};

fn mean_and_std(values: &[f32]) -> (f32, f32) {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    let var = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32;
    (mean, var.sqrt())
}

#[test]
fn a_seed_and_a_purpose_determine_the_numbers() {
    let values = |seed, purpose| Rng::new(seed, purpose).uniform(8, 0.0, 1.0);
    assert_eq!(values(1, Purpose::Init), values(1, Purpose::Init));
    assert_ne!(values(1, Purpose::Init), values(2, Purpose::Init));
    assert_ne!(values(1, Purpose::Init), values(1, Purpose::Dropout));
}

#[test]
fn uniform_and_normal_numbers_have_the_mean_and_standard_deviation_of_their_distribution() {
    let mut rng = Rng::new(0, Purpose::Noise);
    let (mean, std) = mean_and_std(&rng.uniform(100_000, -1.0, 3.0));
    let expected = 4.0 / 12f32.sqrt();
    assert!(
        (mean - 1.0).abs() < 0.02 && (std - expected).abs() < 0.02,
        "{mean} {std}"
    );
    let (mean, std) = mean_and_std(&rng.normal(100_000, 0.5));
    assert!(
        mean.abs() < 0.01 && (std - 0.5).abs() < 0.01,
        "{mean} {std}"
    );
}

#[test]
fn a_dropout_mask_drops_a_share_p_and_scales_the_rest() {
    let mask = Rng::new(0, Purpose::Dropout).dropout_mask(100_000, 0.2);
    let dropped = mask.iter().filter(|&&v| v == 0.0).count() as f32 / 1e5;
    assert!((dropped - 0.2).abs() < 0.01, "{dropped}");
    assert!(mask.iter().all(|&v| v == 0.0 || v == 1.25));
}

#[test]
fn a_dropout_mask_takes_one_number_per_value() {
    for (before, n) in [(0, 5), (3, 300), (1, 1000)] {
        let [mut rng, mut single] = [0, 1].map(|_| Rng::new(5, Purpose::Dropout));
        for _ in 0..before {
            assert_eq!(rng.unit(), single.unit());
        }
        let scale = 1.0 / (1.0 - 0.3);
        let expected: Vec<f32> = (0..n)
            .map(|_| if single.unit() < 0.3 { 0.0 } else { scale })
            .collect();
        assert_eq!(rng.dropout_mask(n, 0.3), expected);
        assert_eq!(rng.unit(), single.unit());
    }
}

#[test]
fn a_permutation_has_every_number_once_and_every_first_number_is_equally_likely() {
    let mut rng = Rng::new(3, Purpose::Shuffle);
    let mut first = [0; 5];
    for _ in 0..10_000 {
        let order = rng.permutation(5);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4]);
        first[order[0]] += 1;
    }
    assert!(
        first.iter().all(|&n| (1_800..2_200).contains(&n)),
        "{first:?}"
    );
    assert!(rng.permutation(0).is_empty());
}

/// From ChaCha8 written in Python: key by PCG32 from the seed 42 as in `rand_core`, stream 1.
/// Numbers are `(word >> 8) / 2**24`; the permutation takes `(word_0 + word_1 * 2**32) * n >> 64`
/// as each index below n.
#[test]
fn the_numbers_of_a_seed_are_those_of_chacha8() {
    let mut rng = Rng::new(42, Purpose::Init);
    let expected = [0.553_862_1, 0.716_791_6, 0.645_999_25];
    assert_eq!(rng.uniform(3, 0.0, 1.0), expected);
    assert_eq!(rng.permutation(6), [4, 1, 3, 5, 2, 0]);
}

#[test]
fn normal_numbers_are_those_of_box_and_muller_and_take_two_draws_each() {
    let mut rng = Rng::new(3, Purpose::Noise);
    let mut units = rng.clone();
    for n in [1, 300] {
        for (i, found) in rng.normal(n, 0.5).into_iter().enumerate() {
            let [radius, turns] = [units.unit(), units.unit()].map(f64::from);
            let radius = (-2.0 * (1.0 - radius).ln()).sqrt();
            let expected = 0.5 * radius * (std::f64::consts::TAU * turns).cos();
            assert!((f64::from(found) - expected).abs() < 2e-6, "{n}, {i}");
        }
    }
    assert_eq!(rng.unit(), units.unit());
}
