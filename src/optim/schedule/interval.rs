//! Lengths of training, in steps or epochs.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

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
    pub(super) fn steps(self, length: RunLength) -> usize {
        match self {
            Interval::Steps(steps) => steps,
            Interval::Epochs(epochs) => epochs.saturating_mul(length.steps_per_epoch),
        }
    }

    /// Rejects a length of zero.
    pub(super) fn check(self, name: &str) -> Result<()> {
        if !matches!(self, Interval::Steps(0) | Interval::Epochs(0)) {
            return Ok(());
        }
        let hint = "Interval::Epochs(10) or Interval::Steps(1_000)";
        Err(Error::setting(name, "at least 1 step or epoch", 0, hint))
    }
}

/// Length of a training run. [`Fit::run_length`](crate::train::Fit::run_length) computes it.
///
/// # Examples
/// ```
/// use candlebook::optim::RunLength;
/// let length = RunLength { steps_per_epoch: 430, epochs: 10 };
/// assert_eq!(length.steps(), 4300);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunLength {
    /// Steps of the optimizer in an epoch.
    pub steps_per_epoch: usize,
    /// Number of epochs.
    pub epochs: usize,
}

impl RunLength {
    /// Steps of the whole run.
    ///
    /// # Examples
    /// ```
    /// use candlebook::optim::RunLength;
    /// assert_eq!(RunLength { steps_per_epoch: 5, epochs: 4 }.steps(), 20);
    /// ```
    pub fn steps(&self) -> usize {
        self.steps_per_epoch.saturating_mul(self.epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_counted_in_steps() {
        let length = RunLength {
            steps_per_epoch: 7,
            epochs: 3,
        };
        assert_eq!(Interval::Epochs(2).steps(length), 14);
        assert_eq!(Interval::Steps(2).steps(length), 2);
        assert_eq!(length.steps(), 21);
        assert_eq!(Interval::Epochs(usize::MAX).steps(length), usize::MAX);
    }
}
