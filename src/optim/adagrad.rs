//! Adagrad.
//!
//! g' = g + wd x, s = s + g'², x = x - lr / (1 + (t - 1) rate_decay) g' / (sqrt(s) + eps)

use super::adam::penalized;
use super::moments::{DeviceMoments, MomentSlices, accumulate};
use super::ranges::{check_not_negative, check_positive};
use super::rates::Rates;
use crate::error::Result;
use crate::math::{Real, widest};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of Adagrad (Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning
/// and stochastic optimization", 2011). PyTorch: `torch.optim.Adagrad`, whose learning rate is 0.01
/// by default.
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// use candlebook::optim::Adagrad;
/// let optimizer = Optim::Adagrad(Adagrad { initial_sum: 0.1, ..Default::default() });
/// let fit = Fit { optimizer, learning_rate: 0.01, ..Default::default() };
/// # assert!(fit.optimizer.to_string().starts_with("Adagrad(rate_decay = 0, initial_sum = 0.1"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adagrad {
    /// Decay of the learning rate: it is divided by 1 + n times this after n steps. Zero or more.
    /// PyTorch: `lr_decay`. Defaults to 0.
    pub rate_decay: f64,
    /// Sum of the squared gradients before the first step, zero or more. PyTorch:
    /// `initial_accumulator_value`. Defaults to 0.
    pub initial_sum: f64,
    /// Added to the denominator so that it is never zero. Defaults to 1e-10.
    pub eps: f64,
}

impl Default for Adagrad {
    fn default() -> Self {
        Adagrad {
            rate_decay: 0.0,
            initial_sum: 0.0,
            eps: 1e-10,
        }
    }
}

impl Adagrad {
    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        let hint = "The default is 0";
        check_not_negative("Adagrad::rate_decay", self.rate_decay, hint)?;
        check_not_negative("Adagrad::initial_sum", self.initial_sum, hint)?;
        check_positive("Adagrad::eps", self.eps, "1e-10")
    }
}

/// Coefficients of one step of Adagrad.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdagradUpdate {
    /// lr / (1 + (t - 1) rate_decay)
    step_size: f64,
    eps: f64,
    /// L2 penalty coefficient.
    weight_decay: f64,
}

impl AdagradUpdate {
    /// Coefficients of step `step`, counted from 1.
    pub(crate) fn new(settings: Adagrad, rates: Rates, step: i32) -> Self {
        let divisor = 1.0 + f64::from(step - 1) * settings.rate_decay;
        AdagradUpdate {
            step_size: rates.learning_rate / divisor,
            eps: settings.eps,
            weight_decay: rates.weight_decay,
        }
    }

    /// Updates values and sums in one pass.
    pub(crate) fn apply<T: Real>(
        &self,
        values: &mut [T],
        gradients: &[T],
        [_, sums, _]: MomentSlices<'_, T>,
    ) {
        let [step_size, eps, weight_decay] =
            [self.step_size, self.eps, self.weight_decay].map(T::of);
        widest!(|| {
            for ((x, &g), s) in values.iter_mut().zip(gradients).zip(sums.iter_mut()) {
                let g = g + weight_decay * *x;
                *s += g * g;
                *x -= step_size * g / (s.sqrt() + eps);
            }
        });
    }

    /// Updated value, computed with candle's tensor operations.
    pub(crate) fn apply_on_device(
        &self,
        value: &Tensor,
        gradient: &Tensor,
        [_, sum, _]: &mut DeviceMoments,
    ) -> Result<Tensor> {
        let gradient = penalized(gradient, value, self.weight_decay)?;
        let sum = accumulate(sum, 1.0, gradient.sqr()?)?;
        let change = gradient.div(&(sum.sqrt()? + self.eps)?)?;
        Ok((value - (change * self.step_size)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_along_equal_gradients_shrink_with_the_root_of_their_number() {
        let (mut x, mut sums) = ([0f32], [0f32]);
        let rates = Rates {
            learning_rate: 1.0,
            ..Default::default()
        };
        for step in 1..=4 {
            let before = x[0];
            let update = AdagradUpdate::new(Adagrad::default(), rates, step);
            update.apply(&mut x, &[3.0], [&mut [], &mut sums, &mut []]);
            let expected = 1.0 / (step as f32).sqrt();
            assert!((before - x[0] - expected).abs() < 1e-6, "step {step}");
        }
    }

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let adagrad = Adagrad {
            initial_sum: -1.0,
            ..Default::default()
        };
        assert_eq!(
            adagrad.check().unwrap_err().to_string(),
            "Adagrad::initial_sum: expected zero or more, got -1. The default is 0"
        );
    }
}
