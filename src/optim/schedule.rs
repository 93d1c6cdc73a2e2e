//! Schedules: the learning rate over a run.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// How the learning rate changes during training. It multiplies the learning rate of
/// [`Fit`](crate::train::Fit).
///
/// # Examples
/// Nine tenths of the rate after every 1,000 steps:
/// ```
/// use candlebook::optim::{Interval, Schedule};
/// use candlebook::prelude::*;
/// let schedule = Schedule::Step { every: Interval::Steps(1_000), factor: 0.9 };
/// let fit = Fit { schedule, ..Default::default() };
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Schedule {
    /// The rate stays as it is.
    #[default]
    Constant,
    /// The rate is multiplied by `factor` after each interval. PyTorch: `StepLR`.
    Step {
        /// Distance between two changes.
        every: Interval,
        /// Factor of each change, in (0, 1].
        factor: f64,
    },
}

/// A length of training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Interval {
    /// A number of optimizer steps.
    Steps(usize),
    /// A number of epochs.
    Epochs(usize),
}

impl Interval {
    /// Number of steps.
    fn steps(self, steps_per_epoch: usize) -> usize {
        match self {
            Interval::Steps(steps) => steps,
            Interval::Epochs(epochs) => epochs.saturating_mul(steps_per_epoch),
        }
    }
}

impl Schedule {
    /// Factor of the learning rate after this number of steps.
    pub(crate) fn factor(&self, step: usize, steps_per_epoch: usize) -> f64 {
        match *self {
            Schedule::Constant => 1.0,
            Schedule::Step { every, factor } => {
                let changes = step / every.steps(steps_per_epoch).max(1);
                factor.powi(changes.try_into().unwrap_or(i32::MAX))
            }
        }
    }

    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        let Schedule::Step { every, factor } = *self else {
            return Ok(());
        };
        if every.steps(1) == 0 {
            let hint = "Interval::Epochs(10) or Interval::Steps(1_000)";
            let name = "Schedule::Step::every";
            return Err(Error::setting(name, "at least 1 step or epoch", 0, hint));
        }
        if !(factor > 0.0 && factor <= 1.0) {
            let (name, hint) = ("Schedule::Step::factor", "0.1 and 0.5 are common");
            return Err(Error::setting(name, "a factor in (0, 1]", factor, hint));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(schedule: Schedule, steps: [usize; 5]) -> [f64; 5] {
        steps.map(|step| schedule.factor(step, 3))
    }

    #[test]
    fn the_rate_changes_after_each_interval() {
        let steps = [0, 5, 6, 11, 12];
        let expected = [1.0, 1.0, 0.5, 0.5, 0.25];
        for every in [Interval::Steps(6), Interval::Epochs(2)] {
            let schedule = Schedule::Step { every, factor: 0.5 };
            assert_eq!(factors(schedule, steps), expected, "{every:?}");
        }
        assert_eq!(factors(Schedule::Constant, steps), [1.0; 5]);
    }

    #[test]
    fn intervals_and_factors_outside_their_range_are_rejected() {
        let error = |every, factor| {
            let schedule = Schedule::Step { every, factor };
            schedule.check().unwrap_err().to_string()
        };
        assert_eq!(
            error(Interval::Epochs(0), 0.5),
            "Schedule::Step::every: expected at least 1 step or epoch, got 0. Interval::Epochs(10) or \
             Interval::Steps(1_000)"
        );
        for factor in [0.0, 1.5, f64::NAN] {
            let text = error(Interval::Steps(1), factor);
            assert!(text.starts_with("Schedule::Step::factor: expected a factor in (0, 1], got"));
        }
    }
}
