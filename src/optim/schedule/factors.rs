//! Factors of a learning rate: their ranges, and the cosine wave between two.

use crate::error::{Error, Result};

/// Rejects a factor that does not lower the rate.
pub(super) fn check_factor(name: &str, factor: f64) -> Result<()> {
    if factor > 0.0 && factor <= 1.0 {
        return Ok(());
    }
    let hint = "0.1 and 0.5 are common";
    Err(Error::setting(name, "a factor in (0, 1]", factor, hint))
}

/// Rejects a share outside [0, 1].
pub(super) fn check_share(name: &str, share: f64, hint: &str) -> Result<()> {
    if (0.0..=1.0).contains(&share) {
        return Ok(());
    }
    Err(Error::setting(name, "a factor in [0, 1]", share, hint))
}

/// Half a cosine wave from `start` to `end`. `share` is in [0, 1].
pub(super) fn cosine_between(start: f64, end: f64, share: f64) -> f64 {
    end + (start - end) * (1.0 + (std::f64::consts::PI * share).cos()) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wave_begins_and_ends_at_its_factors() {
        let wave = [0.0, 0.5, 1.0].map(|share| cosine_between(0.5, 1.0, share));
        let expected = [0.5, 0.75, 1.0];
        assert!(
            wave.iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-12),
            "{wave:?}"
        );
    }

    #[test]
    fn ends_of_the_ranges() {
        for (factor, lowers, is_share) in [
            (0.0, false, true),
            (0.5, true, true),
            (1.0, true, true),
            (1.1, false, false),
            (f64::NAN, false, false),
        ] {
            assert_eq!(check_factor("x", factor).is_ok(), lowers, "{factor}");
            assert_eq!(check_share("x", factor, "").is_ok(), is_share, "{factor}");
        }
    }
}
