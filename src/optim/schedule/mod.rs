//! Schedules: the learning rate over a run.

mod factors;
mod interval;
mod cosine;
mod one_cycle;
mod plateau;
mod plot;

pub use cosine::Cosine;
pub use interval::{Interval, RunLength};
pub use one_cycle::OneCycle;
pub use plateau::Plateau;

use crate::error::Result;
use factors::check_factor;
use serde::{Deserialize, Serialize};

/// How the learning rate changes during training. It multiplies the learning rate of
/// [`Fit`](crate::train::Fit). Steps are those of the optimizer.
///
/// # Examples
/// Nine tenths of the rate after every 1,000 steps:
/// ```
/// use candlebook::optim::{Interval, Schedule};
/// use candlebook::prelude::*;
/// let schedule = Schedule::Step { every: Interval::Steps(1_000), factor: 0.9 };
/// let fit = Fit { schedule, ..Default::default() };
/// ```
///
/// A warm-up of one epoch, then half a cosine wave until the end:
/// ```
/// use candlebook::optim::{Cosine, Interval, Schedule};
/// use candlebook::prelude::*;
/// let cosine = Cosine { warm_up: Interval::Epochs(1), ..Default::default() };
/// let fit = Fit { schedule: Schedule::Cosine(cosine), ..Default::default() };
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Schedule {
    /// The rate stays as it is.
    #[default]
    Constant,
    /// The rate is multiplied by `factor` after each interval. PyTorch: `StepLR`, and `ExponentialLR`
    /// for `Interval::Epochs(1)`.
    Step {
        /// Distance between two changes.
        every: Interval,
        /// Factor of each change, in (0, 1].
        factor: f64,
    },
    /// The rate is multiplied by `factor` at each of these lengths of training. PyTorch:
    /// `MultiStepLR`.
    MultiStep {
        /// Lengths of training before the changes, in any order.
        at: Vec<Interval>,
        /// Factor of each change, in (0, 1].
        factor: f64,
    },
    /// The rate decays in every step, by `factor` over each interval. PyTorch: `ExponentialLR`,
    /// stepped after each batch, for `Interval::Steps(1)`.
    Exponential {
        /// Length of training over which the rate decays by `factor`.
        every: Interval,
        /// Factor over an interval, in (0, 1].
        factor: f64,
    },
    /// A linear warm-up, then cosine waves, with restarts or without.
    Cosine(Cosine),
    /// One rise and one long fall over the whole run.
    OneCycle(OneCycle),
    /// The rate falls when the loss stops falling.
    Plateau(Plateau),
    /// Another schedule, which is read only at the first step of each epoch. See
    /// [`Schedule::by_epoch`].
    ByEpoch(Box<Schedule>),
}

impl Schedule {
    /// The same schedule, but with a constant rate within each epoch: that of its first step.
    ///
    /// # Examples
    /// ```
    /// use candlebook::optim::{Cosine, RunLength, Schedule};
    /// let schedule = Schedule::Cosine(Cosine::default()).by_epoch();
    /// let length = RunLength { steps_per_epoch: 100, epochs: 4 };
    /// assert_eq!(schedule.factor(99, length, &[]), 1.0);
    /// assert!(schedule.factor(100, length, &[]) < 0.9);
    /// ```
    pub fn by_epoch(self) -> Self {
        Schedule::ByEpoch(Box::new(self))
    }

    /// Factor of the learning rate after `step` steps of a run of this length.
    ///
    /// `losses` are the monitored losses of the finished epochs (validation losses, or training losses
    /// without validation images), which only [`Schedule::Plateau`] reads.
    ///
    /// # Examples
    /// ```
    /// use candlebook::optim::{Interval, RunLength, Schedule};
    /// let schedule = Schedule::Step { every: Interval::Epochs(1), factor: 0.5 };
    /// let length = RunLength { steps_per_epoch: 10, epochs: 3 };
    /// assert_eq!([0, 9, 10, 25].map(|step| schedule.factor(step, length, &[])), [1.0, 1.0, 0.5, 0.25]);
    /// ```
    pub fn factor(&self, step: usize, length: RunLength, losses: &[f32]) -> f64 {
        match self {
            Schedule::Constant => 1.0,
            Schedule::Step { every, factor } => {
                let changes = step / every.steps(length).max(1);
                factor.powi(changes.try_into().unwrap_or(i32::MAX))
            }
            Schedule::MultiStep { at, factor } => {
                let changes = at.iter().filter(|at| at.steps(length) <= step).count();
                factor.powi(changes.try_into().unwrap_or(i32::MAX))
            }
            Schedule::Exponential { every, factor } => {
                factor.powf(step as f64 / every.steps(length).max(1) as f64)
            }
            Schedule::Cosine(cosine) => cosine.factor(step, length),
            Schedule::OneCycle(one_cycle) => one_cycle.factor(step, length),
            Schedule::Plateau(plateau) => plateau.factor(losses),
            Schedule::ByEpoch(schedule) => {
                let first = step - step % length.steps_per_epoch.max(1);
                schedule.factor(first, length, losses)
            }
        }
    }

    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Schedule::Constant => Ok(()),
            Schedule::Step { every, factor } => {
                every.check("Schedule::Step::every")?;
                check_factor("Schedule::Step::factor", *factor)
            }
            Schedule::MultiStep { at, factor } => {
                for at in at {
                    at.check("Schedule::MultiStep::at")?;
                }
                check_factor("Schedule::MultiStep::factor", *factor)
            }
            Schedule::Exponential { every, factor } => {
                every.check("Schedule::Exponential::every")?;
                check_factor("Schedule::Exponential::factor", *factor)
            }
            Schedule::Cosine(cosine) => cosine.check(),
            Schedule::OneCycle(one_cycle) => one_cycle.check(),
            Schedule::Plateau(plateau) => plateau.check(),
            Schedule::ByEpoch(schedule) => schedule.check(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: RunLength = RunLength {
        steps_per_epoch: 3,
        epochs: 5,
    };

    fn factors(schedule: Schedule, steps: [usize; 5]) -> [f64; 5] {
        steps.map(|step| schedule.factor(step, LENGTH, &[]))
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
        let at = vec![Interval::Epochs(4), Interval::Steps(6)];
        let schedule = Schedule::MultiStep { at, factor: 0.5 };
        assert_eq!(factors(schedule, steps), expected);
    }

    #[test]
    fn by_epoch_the_rate_is_that_of_the_first_step() {
        let schedule = Schedule::Exponential {
            every: Interval::Epochs(1),
            factor: 0.5,
        };
        let steps = [0, 2, 3, 5, 6];
        let expected = [1.0, 1.0, 0.5, 0.5, 0.25];
        assert_eq!(factors(schedule.by_epoch(), steps), expected);
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
        let at = vec![Interval::Steps(1), Interval::Steps(0)];
        let schedule = Schedule::MultiStep { at, factor: 0.5 }.by_epoch();
        let text = schedule.check().unwrap_err().to_string();
        assert!(
            text.starts_with("Schedule::MultiStep::at: expected at least 1"),
            "{text}"
        );
    }
}
