//! Averages of the weights over training.

use super::ranges::check_decay;
use crate::error::{Error, Result};
use crate::math::{Real, widest};
use serde::{Deserialize, Serialize};

/// Average of the weights over the steps of training, which often generalizes better than the last
/// weights. It covers running statistics too. PyTorch: `torch.optim.swa_utils.AveragedModel` with
/// `use_buffers=True`.
///
/// Training itself goes on with the weights as they are. After each epoch, the validation loss is that
/// of the average, and when training ends, the model holds the average.
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// use candlebook::optim::Average;
/// let fit = Fit { average: Average::Ema { decay: 0.99 }, ..Default::default() };
/// # assert_ne!(fit, Fit::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Average {
    /// No average: the model holds the weights of the last step.
    #[default]
    None,
    /// Exponential moving average (Polyak and Juditsky, "Acceleration of stochastic approximation by
    /// averaging", 1992). It begins with the weights of the first step.
    Ema {
        /// Share of the earlier average in each step, in [0, 1). 0.99 and 0.999 are common.
        decay: f64,
    },
    /// Stochastic weight averaging: the mean of the weights at the end of an epoch and of all later
    /// ones (Izmailov and others, "Averaging weights leads to wider optima and better
    /// generalization", 2018). Before that epoch, the model holds the weights of the last step.
    Swa {
        /// First epoch in the mean, from 1 to the number of epochs. Three quarters of the epochs is
        /// common.
        from_epoch: usize,
    },
}

impl Average {
    /// Rejects settings outside their range.
    pub(crate) fn check(&self, epochs: usize) -> Result<()> {
        match *self {
            Average::None => Ok(()),
            Average::Ema { decay } => check_decay("Average::Ema::decay", decay, "0.99"),
            Average::Swa { from_epoch } if (1..=epochs).contains(&from_epoch) => Ok(()),
            Average::Swa { from_epoch } => {
                let expected = format!("1 to {epochs}, the number of epochs");
                let (name, hint) = ("Average::Swa::from_epoch", "Three quarters are common");
                Err(Error::setting(name, expected, from_epoch, hint))
            }
        }
    }

    /// Share of the weights after this number of steps in the average; none if they do not enter it.
    pub(crate) fn share(&self, steps: usize, steps_per_epoch: usize) -> Option<f64> {
        match *self {
            Average::None => None,
            Average::Ema { .. } if steps <= 1 => Some(1.0),
            Average::Ema { decay } => Some(1.0 - decay),
            Average::Swa { from_epoch } => {
                let after = steps.checked_sub(from_epoch.saturating_mul(steps_per_epoch))?;
                let enters = after.is_multiple_of(steps_per_epoch.max(1));
                enters.then(|| 1.0 / ((after / steps_per_epoch.max(1)) as f64 + 1.0))
            }
        }
    }

    /// True if weights have entered the average after this number of steps.
    pub(crate) fn has_begun(&self, steps: usize, steps_per_epoch: usize) -> bool {
        match *self {
            Average::None => false,
            Average::Ema { .. } => steps > 0,
            Average::Swa { from_epoch } => steps >= from_epoch.saturating_mul(steps_per_epoch),
        }
    }
}

/// Moves an average towards values by this share of the difference.
pub(crate) fn move_average<T: Real>(average: &mut [T], values: &[T], share: f64) {
    if share == 1.0 {
        return average.copy_from_slice(values);
    }
    let share = T::of(share);
    widest!(|| {
        for (a, &x) in average.iter_mut().zip(values) {
            *a += share * (x - *a);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The average of 1, 2, .. after each step, with three steps an epoch.
    fn averages(average: Average) -> Vec<f64> {
        let mut mean = [f64::NAN];
        let after = |steps: usize| {
            if let Some(share) = average.share(steps, 3) {
                move_average(&mut mean, &[steps as f64], share);
            }
            assert_eq!(average.has_begun(steps, 3), !mean[0].is_nan(), "{steps}");
            mean[0]
        };
        (1..=12).map(after).filter(|mean| !mean.is_nan()).collect()
    }

    #[test]
    fn each_average_is_that_of_its_definition() {
        assert!(averages(Average::None).is_empty());
        let ema = averages(Average::Ema { decay: 0.5 });
        assert_eq!(ema[..4], [1.0, 1.5, 2.25, 3.125]);
        let swa = averages(Average::Swa { from_epoch: 2 });
        // Weights of the steps 6, 9 and 12.
        assert_eq!(swa, [6.0, 6.0, 6.0, 7.5, 7.5, 7.5, 9.0]);
    }

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let error = |average: Average| average.check(4).unwrap_err().to_string();
        assert_eq!(
            error(Average::Ema { decay: 1.0 }),
            "Average::Ema::decay: expected a decay in [0, 1), got 1. The default is 0.99"
        );
        for from_epoch in [0, 5] {
            let error = error(Average::Swa { from_epoch });
            assert!(error.starts_with(&format!(
                "Average::Swa::from_epoch: expected 1 to 4, the number of epochs, got {from_epoch}"
            )));
        }
    }
}
