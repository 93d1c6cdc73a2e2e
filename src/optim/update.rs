//! One optimizer step: its coefficients and the pass that applies them.

use super::adadelta::AdadeltaUpdate;
use super::adam::AdamUpdate;
use super::moments::{DeviceMoments, Moments};
use super::rates::Rates;
use super::rms_prop::RmsPropUpdate;
use super::settings::Optim;
use super::sgd::SgdUpdate;
use crate::error::Result;
use crate::math::Real;
use candle_core::Tensor;

/// Settings and step count of an optimizer, which together determine its next [`Update`].
#[derive(Clone, Debug)]
pub(crate) struct UpdateRule {
    optim: Optim,
    rates: Rates,
    steps: i32,
}

impl UpdateRule {
    /// Rule before the first step.
    pub(crate) fn new(optim: Optim, rates: Rates) -> Self {
        UpdateRule {
            optim,
            rates,
            steps: 0,
        }
    }

    /// Number of steps taken.
    pub(crate) fn steps(&self) -> i32 {
        self.steps
    }

    /// Continues after `steps` steps of an earlier run.
    pub(crate) fn resume_at(&mut self, steps: i32) {
        self.steps = steps;
    }

    /// Changes the learning rate of the following steps.
    pub(crate) fn set_learning_rate(&mut self, learning_rate: f64) {
        self.rates.learning_rate = learning_rate;
    }

    /// Counts a step and returns its coefficients.
    pub(crate) fn next_update(&mut self) -> Update {
        self.steps += 1;
        match self.optim {
            Optim::Adam(adam) => Update::Adam(AdamUpdate::new(adam, self.rates, self.steps)),
            Optim::Adadelta(adadelta) => {
                Update::Adadelta(AdadeltaUpdate::new(adadelta, self.rates))
            }
            Optim::RmsProp(rms_prop) => Update::RmsProp(RmsPropUpdate::new(rms_prop, self.rates)),
            Optim::Sgd(sgd) => Update::Sgd(SgdUpdate::new(sgd, self.rates)),
        }
    }

    /// Zero moments for `n` values; empty if the optimizer does not keep them.
    pub(crate) fn zero_moments<T: Real>(&self, n: usize) -> Moments<T> {
        let kept = self.optim.kept_moments();
        kept.map(|kept| vec![T::ZERO; if kept { n } else { 0 }])
    }
}

/// Coefficients of one optimizer step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Update {
    Adam(AdamUpdate),
    Adadelta(AdadeltaUpdate),
    RmsProp(RmsPropUpdate),
    Sgd(SgdUpdate),
}

impl Update {
    /// Updates values and moments in one pass. Moments that the optimizer does not keep are empty.
    pub(crate) fn apply<T: Real>(&self, values: &mut [T], gradients: &[T], moments: [&mut [T]; 2]) {
        match self {
            Update::Adam(adam) => adam.apply(values, gradients, moments),
            Update::Adadelta(adadelta) => adadelta.apply(values, gradients, moments),
            Update::RmsProp(rms_prop) => rms_prop.apply(values, gradients, moments),
            Update::Sgd(sgd) => {
                let [velocity, _] = moments;
                sgd.apply(values, gradients, velocity);
            }
        }
    }

    /// Updated value, computed with candle's tensor operations.
    pub(crate) fn apply_on_device(
        &self,
        value: &Tensor,
        gradient: &Tensor,
        moments: &mut DeviceMoments,
    ) -> Result<Tensor> {
        match self {
            Update::Adam(adam) => adam.apply_on_device(value, gradient, moments),
            Update::Adadelta(adadelta) => adadelta.apply_on_device(value, gradient, moments),
            Update::RmsProp(rms_prop) => rms_prop.apply_on_device(value, gradient, moments),
            Update::Sgd(sgd) => sgd.apply_on_device(value, gradient, moments),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::RmsProp;

    #[test]
    fn moments_have_the_size_that_the_optimizer_needs() {
        for (optim, sizes) in [
            (Optim::adam(), [3, 3]),
            (Optim::RmsProp(RmsProp::default()), [0, 3]),
            (Optim::sgd(0.9), [3, 0]),
            (Optim::sgd(0.0), [0, 0]),
        ] {
            let rule = UpdateRule::new(optim, Rates::default());
            let moments: Moments = rule.zero_moments(3);
            assert_eq!(moments.map(|moment| moment.len()), sizes, "{optim}");
        }
    }

    #[test]
    fn a_resumed_rule_continues_the_step_count() {
        let mut rule = UpdateRule::new(Optim::adam(), Rates::default());
        rule.resume_at(7);
        rule.next_update();
        assert_eq!(rule.steps(), 8);
    }
}
