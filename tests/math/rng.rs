//! Seeded numbers: repeatable, independent by purpose, and of the distribution that is promised.

use candlebook::math::{Purpose, Rng};

fn mean_and_std(values: &[f32]) -> (f32, f32) {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    let var = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32;
    (mean, var.sqrt())
}

#[test]
fn the_same_seed_and_stream_give_the_same_numbers_and_others_give_others() {
    let draw = |seed, stream| Rng::new(seed, stream).uniform(8, 0.0, 1.0);
    assert_eq!(draw(1, Purpose::Init), draw(1, Purpose::Init));
    assert_ne!(draw(1, Purpose::Init), draw(2, Purpose::Init));
    assert_ne!(draw(1, Purpose::Init), draw(1, Purpose::Dropout));
}

#[test]
fn distributions_have_their_moments() {
    let mut rng = Rng::new(0, Purpose::Noise);
    let (mean, std) = mean_and_std(&rng.uniform(100_000, -1.0, 3.0));
    // uniform: mean 1, std 4 / sqrt(12)
    assert!(
        (mean - 1.0).abs() < 0.02 && (std - 4.0 / 12f32.sqrt()).abs() < 0.02,
        "{mean} {std}"
    );
    let (mean, std) = mean_and_std(&rng.normal(100_000, 0.5));
    assert!(
        mean.abs() < 0.01 && (std - 0.5).abs() < 0.01,
        "{mean} {std}"
    );
    let mask = rng.dropout_mask(100_000, 0.2);
    let dropped = mask.iter().filter(|&&v| v == 0.0).count() as f32 / 1e5;
    assert!((dropped - 0.2).abs() < 0.01, "{dropped}");
    assert!(mask.iter().all(|&v| v == 0.0 || v == 1.25));
}

#[test]
fn a_mask_takes_one_draw_for_each_value() {
    for (before, n) in [(0, 5), (3, 300), (1, 1000)] {
        let [mut rng, mut single] = [0, 1].map(|_| Rng::new(5, Purpose::Dropout));
        for _ in 0..before {
            assert_eq!(rng.unit(), single.unit());
        }
        let mask = rng.dropout_mask(n, 0.3);
        let right: Vec<f32> = (0..n)
            .map(|_| {
                if single.unit() < 0.3 {
                    0.0
                } else {
                    1.0 / (1.0 - 0.3)
                }
            })
            .collect();
        assert_eq!(mask, right);
        assert_eq!(rng.unit(), single.unit());
    }
}

#[test]
fn a_permutation_has_every_number_once_and_every_place_is_as_likely() {
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
