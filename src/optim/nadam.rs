//! NAdam: Adam with Nesterov momentum.
//!
//! mu(t) = beta1 (1 - 0.96^(t momentum_decay) / 2), p(t) = mu(1) .. mu(t),
//! m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g²,
//! d = (1 - mu(t)) / (1 - p(t)) g + mu(t + 1) / (1 - p(t + 1)) m,
//! x = x - lr d / (sqrt(v) / sqrt(1 - beta2^t) + eps)

use super::adam::penalized;
use super::moments::{DeviceMoments, MomentSlices, NEGLIGIBLE, accumulate, kept};
use super::ranges::{check_decay, check_not_negative, check_positive};
use super::rates::Rates;
use crate::error::Result;
use crate::math::{Real, widest};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of NAdam (Dozat, "Incorporating Nesterov momentum into Adam", 2016). PyTorch:
/// `torch.optim.NAdam`, whose learning rate is 0.002 by default.
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// use candlebook::optim::NAdam;
/// let optimizer = Optim::NAdam(NAdam::default());
/// let fit = Fit { optimizer, learning_rate: 0.002, ..Default::default() };
/// # assert!(fit.optimizer.to_string().starts_with("NAdam(beta1 = 0.9, beta2 = 0.999, "));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NAdam {
    /// Decay of the running mean of the gradients, in [0, 1). Defaults to 0.9.
    pub beta1: f64,
    /// Decay of the running mean of the squared gradients, in [0, 1). Defaults to 0.999.
    pub beta2: f64,
    /// Added to the denominator so that it is never zero. Defaults to 1e-8.
    pub eps: f64,
    /// Speed at which the momentum rises from half of `beta1` to `beta1`, zero or more. Defaults to 0.004.
    pub momentum_decay: f64,
    /// Shrink the weights directly, as [`Adam`](super::Adam) does. If false, the weight decay times
    /// each weight is added to its gradient. Defaults to false.
    pub decoupled_weight_decay: bool,
}

impl Default for NAdam {
    fn default() -> Self {
        NAdam {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            momentum_decay: 0.004,
            decoupled_weight_decay: false,
        }
    }
}

impl NAdam {
    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        check_decay("NAdam::beta1", self.beta1, "0.9")?;
        check_decay("NAdam::beta2", self.beta2, "0.999")?;
        check_positive("NAdam::eps", self.eps, "1e-8")?;
        let hint = "The default is 0.004";
        check_not_negative("NAdam::momentum_decay", self.momentum_decay, hint)
    }

    /// mu(t)
    fn momentum(&self, step: i32) -> f64 {
        let exponent = f64::from(step) * self.momentum_decay;
        self.beta1 * (1.0 - 0.5 * 0.96f64.powf(exponent))
    }

    /// p(t) from p(t - 1); 0 once it no longer changes 1 - p(t).
    pub(crate) fn next_product(&self, product: f64, step: i32) -> f64 {
        let next = product * self.momentum(step);
        if next < NEGLIGIBLE { 0.0 } else { next }
    }

    /// p(t). It reaches zero soon.
    pub(crate) fn product(&self, steps: i32) -> f64 {
        let mut product = 1.0;
        for step in 1..=steps {
            product = self.next_product(product, step);
            if product == 0.0 {
                break;
            }
        }
        product
    }
}

/// Coefficients of one step of NAdam, with the bias corrections folded in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NAdamUpdate {
    beta1: f64,
    beta2: f64,
    /// lr (1 - mu(t)) / (1 - p(t))
    gradient_rate: f64,
    /// lr mu(t + 1) / (1 - p(t + 1))
    mean_rate: f64,
    /// 1 / sqrt(1 - beta2^t)
    inverse_root: f64,
    eps: f64,
    /// 1 - lr wd of decoupled weight decay.
    decay: f64,
    /// L2 penalty coefficient of coupled weight decay.
    penalty: f64,
}

impl NAdamUpdate {
    /// Coefficients of step `step`, counted from 1. `product` is p(step).
    pub(crate) fn new(nadam: NAdam, rates: Rates, step: i32, product: f64) -> Self {
        let (decay, penalty) = rates.decay_and_penalty(nadam.decoupled_weight_decay);
        let [now, next] = [step, step + 1].map(|step| nadam.momentum(step));
        NAdamUpdate {
            beta1: nadam.beta1,
            beta2: nadam.beta2,
            gradient_rate: rates.learning_rate * (1.0 - now) / (1.0 - product),
            mean_rate: rates.learning_rate * next / (1.0 - product * next),
            inverse_root: 1.0 / (1.0 - nadam.beta2.powi(step)).sqrt(),
            eps: nadam.eps,
            decay,
            penalty,
        }
    }

    /// Updates values and moments in one pass.
    pub(crate) fn apply<T: Real>(
        &self,
        values: &mut [T],
        gradients: &[T],
        [first, second, _]: MomentSlices<'_, T>,
    ) {
        let [beta1, beta2, eps] = [self.beta1, self.beta2, self.eps].map(T::of);
        let [gradient_rate, mean_rate] = [self.gradient_rate, self.mean_rate].map(T::of);
        let [inverse_root, decay, penalty] =
            [self.inverse_root, self.decay, self.penalty].map(T::of);
        let [new1, new2] = [1.0 - self.beta1, 1.0 - self.beta2].map(T::of);
        widest!(|| {
            let moments = first.iter_mut().zip(second.iter_mut());
            for ((x, &g), (m, v)) in values.iter_mut().zip(gradients).zip(moments) {
                let g = g + penalty * *x;
                *m = kept(*m * beta1 + g * new1);
                *v = kept(*v * beta2 + g * g * new2);
                let direction = gradient_rate * g + mean_rate * *m;
                *x = *x * decay - direction / (v.sqrt() * inverse_root + eps);
            }
        });
    }

    /// Updated value, computed with candle's tensor operations.
    pub(crate) fn apply_on_device(
        &self,
        value: &Tensor,
        gradient: &Tensor,
        [first, second, _]: &mut DeviceMoments,
    ) -> Result<Tensor> {
        let gradient = penalized(gradient, value, self.penalty)?;
        let mean = accumulate(first, self.beta1, (&gradient * (1.0 - self.beta1))?)?;
        let square = (gradient.sqr()? * (1.0 - self.beta2))?;
        let square = accumulate(second, self.beta2, square)?;
        let denominator = ((square.sqrt()? * self.inverse_root)? + self.eps)?;
        let direction = ((gradient * self.gradient_rate)? + (mean * self.mean_rate)?)?;
        Ok(((value * self.decay)? - direction.div(&denominator)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_of_the_momenta_can_be_computed_from_the_step_count() {
        let nadam = NAdam::default();
        let mut product = 1.0;
        for step in 1..20_000 {
            product = nadam.next_product(product, step);
            if step % 500 == 0 {
                assert_eq!(nadam.product(step), product, "step {step}");
            }
        }
        assert_eq!(product, 0.0);
    }

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let nadam = NAdam {
            momentum_decay: -1.0,
            ..Default::default()
        };
        assert_eq!(
            nadam.check().unwrap_err().to_string(),
            "NAdam::momentum_decay: expected zero or more, got -1. The default is 0.004"
        );
    }
}
