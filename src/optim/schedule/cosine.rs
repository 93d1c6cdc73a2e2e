//! Cosine waves, with a linear warm-up and restarts.

use super::factors::{check_share, cosine_between};
use super::interval::{Interval, RunLength};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Cosine schedule: a linear warm-up, then half a cosine wave from the learning rate down to
/// `end_factor` of it, or several with restarts (SGDR; Loshchilov and Hutter, "SGDR: stochastic
/// gradient descent with warm restarts", 2017). PyTorch: `LinearLR`, then `CosineAnnealingLR` or
/// `CosineAnnealingWarmRestarts`.
///
/// # Examples
/// Restarts after 1, 3 and 7 epochs:
/// ```
/// use candlebook::optim::{Cosine, Interval, RunLength, Schedule};
/// let period = Some(Interval::Epochs(1));
/// let schedule = Schedule::Cosine(Cosine { period, period_factor: 2, ..Default::default() });
/// let length = RunLength { steps_per_epoch: 100, epochs: 15 };
/// assert_eq!([0, 100, 300, 700].map(|step| schedule.factor(step, length, &[])), [1.0; 4]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cosine {
    /// Length of the warm-up. Defaults to `Interval::Steps(0)`, none.
    pub warm_up: Interval,
    /// Factor of the learning rate at the first step of the warm-up, in [0, 1]. Defaults to 0.01.
    pub start_factor: f64,
    /// Length of the first wave. Defaults to none: one wave until the end of the run.
    pub period: Option<Interval>,
    /// Each wave is as many times as long as the one before it, 1 or more. Defaults to 1.
    pub period_factor: usize,
    /// Factor of the learning rate at the end of a wave, in [0, 1]. Defaults to 0.
    pub end_factor: f64,
}

impl Default for Cosine {
    fn default() -> Self {
        Cosine {
            warm_up: Interval::Steps(0),
            start_factor: 0.01,
            period: None,
            period_factor: 1,
            end_factor: 0.0,
        }
    }
}

impl Cosine {
    pub(super) fn factor(&self, step: usize, length: RunLength) -> f64 {
        let warm_up = self.warm_up.steps(length);
        let Some(after) = step.checked_sub(warm_up) else {
            let share = step as f64 / warm_up as f64;
            return self.start_factor + (1.0 - self.start_factor) * share;
        };
        let (done, period) = match self.period {
            Some(period) => self.wave(after, period.steps(length).max(1)),
            None => {
                let period = length.steps().saturating_sub(warm_up).max(1);
                (after.min(period), period)
            }
        };
        cosine_between(1.0, self.end_factor, done as f64 / period as f64)
    }

    /// Steps since the last restart, and steps of the wave that it began.
    fn wave(&self, mut step: usize, mut period: usize) -> (usize, usize) {
        if self.period_factor <= 1 {
            return (step % period, period);
        }
        while step >= period {
            step -= period;
            period = period.saturating_mul(self.period_factor);
        }
        (step, period)
    }

    pub(super) fn check(&self) -> Result<()> {
        let hint = "The default is 0.01";
        check_share("Cosine::start_factor", self.start_factor, hint)?;
        check_share("Cosine::end_factor", self.end_factor, "The default is 0")?;
        if let Some(period) = self.period {
            period.check("Cosine::period")?;
        }
        if self.period_factor == 0 {
            let (name, hint) = ("Cosine::period_factor", "1 keeps the length of the waves");
            return Err(Error::setting(name, "at least 1", 0, hint));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wave_ends_at_its_factor_and_stays_there() {
        let cosine = Cosine {
            warm_up: Interval::Epochs(1),
            end_factor: 0.25,
            ..Default::default()
        };
        let length = RunLength {
            steps_per_epoch: 10,
            epochs: 3,
        };
        let factor = |step| cosine.factor(step, length);
        assert_eq!((factor(0), factor(10), factor(20)), (0.01, 1.0, 0.625));
        assert_eq!((factor(30), factor(99)), (0.25, 0.25));
    }

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let error = |cosine: Cosine| cosine.check().unwrap_err().to_string();
        let cosine = Cosine::default();
        assert_eq!(
            error(Cosine {
                end_factor: 1.5,
                ..cosine
            }),
            "Cosine::end_factor: expected a factor in [0, 1], got 1.5. The default is 0"
        );
        assert!(
            error(Cosine {
                period: Some(Interval::Steps(0)),
                ..cosine
            })
            .starts_with("Cosine::period: expected at least 1 step or epoch, got 0")
        );
        assert_eq!(
            error(Cosine {
                period_factor: 0,
                ..cosine
            }),
            "Cosine::period_factor: expected at least 1, got 0. 1 keeps the length of the waves"
        );
    }
}
