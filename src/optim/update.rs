//! One optimizer step: its coefficients and the pass that applies them.

use super::adadelta::AdadeltaUpdate;
use super::adagrad::AdagradUpdate;
use super::adam::AdamUpdate;
use super::adamax::AdamaxUpdate;
use super::groups::GroupRates;
use super::lion::LionUpdate;
use super::moments::{DeviceMoments, MomentSlices, Moments};
use super::nadam::NAdamUpdate;
use super::rates::Rates;
use super::rms_prop::RmsPropUpdate;
use super::settings::Optim;
use super::sgd::SgdUpdate;
use crate::error::Result;
use crate::math::Real;
use candle_core::Tensor;

/// Settings and step count of an optimizer, which together determine the [`Update`]s of its next
/// step.
#[derive(Clone, Debug)]
pub(crate) struct UpdateRule {
    optim: Optim,
    learning_rate: f64,
    /// One for each group of parameters.
    groups: Vec<GroupRates>,
    steps: i32,
    /// Product of NAdam's momenta so far; 1 for others.
    momentum_product: f64,
    /// Those of the last step, one for each group.
    updates: Vec<Update>,
}

impl UpdateRule {
    /// Rule before the first step.
    pub(crate) fn new(optim: Optim, learning_rate: f64, groups: Vec<GroupRates>) -> Self {
        UpdateRule {
            optim,
            learning_rate,
            updates: Vec::with_capacity(groups.len()),
            groups,
            steps: 0,
            momentum_product: 1.0,
        }
    }

    /// Number of steps taken.
    pub(crate) fn steps(&self) -> i32 {
        self.steps
    }

    /// Continues after `steps` steps of an earlier run.
    pub(crate) fn resume_at(&mut self, steps: i32) {
        self.steps = steps;
        if let Optim::NAdam(nadam) = self.optim {
            self.momentum_product = nadam.product(steps);
        }
    }

    pub(crate) fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// Changes the learning rate of the following steps.
    pub(crate) fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }

    /// Counts a step and returns its coefficients for each group.
    pub(crate) fn next_updates(&mut self) -> &[Update] {
        self.steps += 1;
        if let Optim::NAdam(nadam) = self.optim {
            self.momentum_product = nadam.next_product(self.momentum_product, self.steps);
        }
        self.updates.clear();
        for group in &self.groups {
            let update = self.update(group.rates(self.learning_rate));
            self.updates.push(update);
        }
        &self.updates
    }

    fn update(&self, rates: Rates) -> Update {
        let step = self.steps;
        match self.optim {
            Optim::Adam(adam) => Update::Adam(AdamUpdate::new(adam, rates, step)),
            Optim::Adamax(adamax) => Update::Adamax(AdamaxUpdate::new(adamax, rates, step)),
            Optim::NAdam(nadam) => {
                let product = self.momentum_product;
                Update::NAdam(NAdamUpdate::new(nadam, rates, step, product))
            }
            Optim::Adagrad(adagrad) => Update::Adagrad(AdagradUpdate::new(adagrad, rates, step)),
            Optim::Adadelta(adadelta) => Update::Adadelta(AdadeltaUpdate::new(adadelta, rates)),
            Optim::RmsProp(rms_prop) => Update::RmsProp(RmsPropUpdate::new(rms_prop, rates)),
            Optim::Lion(lion) => Update::Lion(LionUpdate::new(lion, rates)),
            Optim::Sgd(sgd) => Update::Sgd(SgdUpdate::new(sgd, rates, step)),
        }
    }

    /// Moments of `n` values before the first step; empty if the optimizer does not keep them.
    pub(crate) fn initial_moments<T: Real>(&self, n: usize) -> Moments<T> {
        let mut kept = self.optim.kept_moments().into_iter();
        self.optim.initial_moments().map(|value| {
            let n = if kept.next() == Some(true) { n } else { 0 };
            vec![T::of(value); n]
        })
    }
}

/// Coefficients of one optimizer step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Update {
    Adam(AdamUpdate),
    Adamax(AdamaxUpdate),
    NAdam(NAdamUpdate),
    Adagrad(AdagradUpdate),
    Adadelta(AdadeltaUpdate),
    RmsProp(RmsPropUpdate),
    Lion(LionUpdate),
    Sgd(SgdUpdate),
}

/// Calls a method of the variant's value.
macro_rules! of_variant {
    ($update:expr, $method:ident($($argument:expr),*)) => {
        match $update {
            Update::Adam(update) => update.$method($($argument),*),
            Update::Adamax(update) => update.$method($($argument),*),
            Update::NAdam(update) => update.$method($($argument),*),
            Update::Adagrad(update) => update.$method($($argument),*),
            Update::Adadelta(update) => update.$method($($argument),*),
            Update::RmsProp(update) => update.$method($($argument),*),
            Update::Lion(update) => update.$method($($argument),*),
            Update::Sgd(update) => update.$method($($argument),*),
        }
    };
}

impl Update {
    /// Updates values and moments in one pass. Moments that the optimizer does not keep are empty.
    pub(crate) fn apply<T: Real>(
        &self,
        values: &mut [T],
        gradients: &[T],
        moments: MomentSlices<'_, T>,
    ) {
        of_variant!(self, apply(values, gradients, moments))
    }

    /// Updated value, computed with candle's tensor operations.
    pub(crate) fn apply_on_device(
        &self,
        value: &Tensor,
        gradient: &Tensor,
        moments: &mut DeviceMoments,
    ) -> Result<Tensor> {
        of_variant!(self, apply_on_device(value, gradient, moments))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::{Adagrad, NAdam, RmsProp};

    fn rule(optim: Optim) -> UpdateRule {
        UpdateRule::new(optim, 0.1, vec![GroupRates::default()])
    }

    #[test]
    fn moments_have_the_size_and_the_values_that_the_optimizer_needs() {
        let momentum = RmsProp {
            momentum: 0.9,
            ..Default::default()
        };
        let adagrad = Adagrad {
            initial_sum: 0.5,
            ..Default::default()
        };
        for (optim, sizes) in [
            (Optim::adam(), [3, 3, 0]),
            (Optim::RmsProp(RmsProp::default()), [0, 3, 0]),
            (Optim::RmsProp(momentum), [0, 3, 3]),
            (Optim::Adagrad(adagrad), [0, 3, 0]),
            (Optim::sgd(0.9), [3, 0, 0]),
            (Optim::sgd(0.0), [0, 0, 0]),
        ] {
            let moments: Moments = rule(optim).initial_moments(3);
            assert_eq!(moments.map(|moment| moment.len()), sizes, "{optim}");
        }
        let moments: Moments = rule(Optim::Adagrad(adagrad)).initial_moments(2);
        assert_eq!(moments, [vec![], vec![0.5; 2], vec![]]);
    }

    #[test]
    fn a_resumed_rule_continues_the_step_count() {
        for optim in [Optim::adam(), Optim::NAdam(NAdam::default())] {
            let (mut whole, mut resumed) = (rule(optim), rule(optim));
            for _ in 0..7 {
                whole.next_updates();
            }
            resumed.resume_at(7);
            let [a, b] =
                [&mut whole, &mut resumed].map(|rule| format!("{:?}", rule.next_updates()));
            assert_eq!((a, resumed.steps()), (b, 8));
        }
    }
}
