//! A rate that falls when the loss stops falling.

use super::factors::{check_factor, check_share};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Schedule that multiplies the learning rate by `factor` when the monitored loss (the validation
/// loss, or the training loss without validation images) has not fallen for more than `patience`
/// epochs. PyTorch: `ReduceLROnPlateau`.
///
/// It is computed from the losses of all finished epochs, so that a resumed run continues with the
/// same rate.
///
/// # Examples
/// ```
/// use candlebook::optim::{Plateau, Schedule};
/// use candlebook::prelude::*;
/// let schedule = Schedule::Plateau(Plateau { patience: 1, ..Default::default() });
/// let fit = Fit { schedule: schedule.clone(), ..Default::default() };
/// let factor = |losses: &[f32]| schedule.factor(0, fit.run_length(1000), losses);
/// assert_eq!(factor(&[0.5, 0.6]), 1.0);
/// assert_eq!(factor(&[0.5, 0.6, 0.6]), 0.1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plateau {
    /// Factor of each change, in (0, 1]. Defaults to 0.1.
    pub factor: f64,
    /// Epochs without a better loss that are tolerated. Defaults to 10.
    pub patience: usize,
    /// A better loss is lower than the best one by at least this share of it, in [0, 1]. Defaults to
    /// 1e-4.
    pub threshold: f64,
    /// Epochs after a change in which no loss counts as bad. Defaults to 0.
    pub cooldown: usize,
    /// Smallest factor of the learning rate, in [0, 1]. Defaults to 0.
    pub min_factor: f64,
}

impl Default for Plateau {
    fn default() -> Self {
        Plateau {
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            cooldown: 0,
            min_factor: 0.0,
        }
    }
}

impl Plateau {
    /// Factor after epochs with these losses.
    pub(super) fn factor(&self, losses: &[f32]) -> f64 {
        let (mut factor, mut best) = (1.0, f64::INFINITY);
        let (mut bad, mut cooldown) = (0, 0);
        for loss in losses.iter().copied().map(f64::from) {
            if loss < best - self.threshold * best.abs() || best.is_infinite() {
                (best, bad) = (loss, 0);
            } else {
                bad += 1;
            }
            if cooldown > 0 {
                (cooldown, bad) = (cooldown - 1, 0);
            }
            if bad > self.patience {
                factor = (factor * self.factor).max(self.min_factor);
                (cooldown, bad) = (self.cooldown, 0);
            }
        }
        factor
    }

    pub(super) fn check(&self) -> Result<()> {
        check_factor("Plateau::factor", self.factor)?;
        check_share("Plateau::min_factor", self.min_factor, "The default is 0")?;
        if !(0.0..=1.0).contains(&self.threshold) {
            let (name, hint) = ("Plateau::threshold", "The default is 1e-4");
            return Err(Error::setting(
                name,
                "a share in [0, 1]",
                self.threshold,
                hint,
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_factor_is_a_floor() {
        let plateau = Plateau {
            patience: 0,
            min_factor: 0.05,
            ..Default::default()
        };
        assert_eq!(plateau.factor(&[1.0, 1.0, 1.0, 1.0]), 0.05);
        assert_eq!(plateau.factor(&[]), 1.0);
    }

    #[test]
    fn negative_losses_get_better_as_they_fall() {
        let plateau = Plateau {
            patience: 0,
            threshold: 0.1,
            ..Default::default()
        };
        assert_eq!(plateau.factor(&[-1.0, -1.2]), 1.0);
        assert_eq!(plateau.factor(&[-1.0, -1.05]), 0.1);
    }

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let plateau = Plateau {
            factor: 2.0,
            ..Default::default()
        };
        assert_eq!(
            plateau.check().unwrap_err().to_string(),
            "Plateau::factor: expected a factor in (0, 1], got 2. 0.1 and 0.5 are common"
        );
    }
}
