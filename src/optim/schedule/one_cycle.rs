//! One cycle over the whole run.

use super::factors::{check_share, cosine_between};
use super::interval::RunLength;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// One-cycle schedule (Smith and Topin, "Super-convergence: very fast training of neural networks using
/// large learning rates", 2018): the rate rises from `start_factor` of the learning rate to the
/// learning rate, then falls to `end_factor` of it, both along half a cosine wave. PyTorch:
/// `OneCycleLR`, with the learning rate as `max_lr`; the momentum does not change here
/// (`cycle_momentum=False`).
///
/// # Examples
/// ```
/// use candlebook::optim::{OneCycle, Schedule};
/// use candlebook::prelude::*;
/// let schedule = Schedule::OneCycle(OneCycle::default());
/// let fit = Fit { schedule, learning_rate: 0.01, ..Default::default() };
/// # assert!(fit.schedule.factor(0, fit.run_length(1000), &[]) < 0.041);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OneCycle {
    /// Share of the steps in which the rate rises, in (0, 1). PyTorch: `pct_start`. Defaults to 0.3.
    pub rise_share: f64,
    /// Factor of the learning rate at the first step, in [0, 1]. PyTorch: 1 / `div_factor`. Defaults
    /// to 0.04.
    pub start_factor: f64,
    /// Factor of the learning rate at the last step, in [0, 1]. PyTorch: 1 / (`div_factor` *
    /// `final_div_factor`). Defaults to 4e-6.
    pub end_factor: f64,
}

impl Default for OneCycle {
    fn default() -> Self {
        OneCycle {
            rise_share: 0.3,
            start_factor: 0.04,
            end_factor: 4e-6,
        }
    }
}

impl OneCycle {
    pub(super) fn factor(&self, step: usize, length: RunLength) -> f64 {
        let total = length.steps() as f64;
        // The steps with the highest and with the last rate, as PyTorch counts them.
        let (top, last) = (self.rise_share * total - 1.0, total - 1.0);
        let step = step as f64;
        if step < top {
            return cosine_between(self.start_factor, 1.0, step / top);
        }
        let share = (step - top) / (last - top);
        cosine_between(1.0, self.end_factor, share.min(1.0))
    }

    pub(super) fn check(&self) -> Result<()> {
        if !(self.rise_share > 0.0 && self.rise_share < 1.0) {
            let (name, hint) = ("OneCycle::rise_share", "The default is 0.3");
            return Err(Error::setting(
                name,
                "a share in (0, 1)",
                self.rise_share,
                hint,
            ));
        }
        let hint = "The default is 0.04";
        check_share("OneCycle::start_factor", self.start_factor, hint)?;
        check_share(
            "OneCycle::end_factor",
            self.end_factor,
            "The default is 4e-6",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_a_single_step_and_steps_after_the_end_have_a_rate() {
        for steps in 1..40 {
            let length = RunLength {
                steps_per_epoch: steps,
                epochs: 1,
            };
            for step in 0..2 * steps {
                let factor = OneCycle::default().factor(step, length);
                assert!((0.0..=1.0).contains(&factor), "{step} of {steps}: {factor}");
            }
        }
    }

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let one_cycle = OneCycle {
            rise_share: 1.0,
            ..Default::default()
        };
        assert_eq!(
            one_cycle.check().unwrap_err().to_string(),
            "OneCycle::rise_share: expected a share in (0, 1), got 1. The default is 0.3"
        );
    }
}
