//! Adam.
//!
//! m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g²,
//! x = (1 - lr wd) x - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)

use super::moments::{DeviceMoments, MomentSlices, accumulate, kept};
use super::ranges::{check_decay, check_positive};
use super::rates::Rates;
use crate::error::Result;
use crate::math::{Real, widest};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2015). By default,
/// its weight decay is decoupled (Loshchilov and Hutter, "Decoupled weight decay regularization",
/// 2019), which is called AdamW. PyTorch: `torch.optim.AdamW` and `torch.optim.Adam`.
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// use candlebook::optim::Adam;
/// let optimizer = Optim::Adam(Adam { beta1: 0.5, ..Default::default() });
/// let fit = Fit { optimizer, ..Default::default() };
/// # assert_eq!(fit.optimizer.to_string(), "Adam(beta1 = 0.5, beta2 = 0.999, eps = 1e-8)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adam {
    /// Decay of the running mean of the gradients, in [0, 1). Defaults to 0.9.
    pub beta1: f64,
    /// Decay of the running mean of the squared gradients, in [0, 1). Defaults to 0.999.
    pub beta2: f64,
    /// Added to the denominator so that it is never zero. Defaults to 1e-8.
    pub eps: f64,
    /// Divide by the largest mean square so far instead of the current one (Reddi and others, "On the
    /// convergence of Adam and beyond", 2018). Defaults to false.
    pub amsgrad: bool,
    /// Shrink the weights directly, as `torch.optim.AdamW` does. If false, the weight decay times each
    /// weight is added to its gradient, as in `torch.optim.Adam`. Defaults to true.
    pub decoupled_weight_decay: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Adam {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            amsgrad: false,
            decoupled_weight_decay: true,
        }
    }
}

impl Adam {
    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        check_decay("Adam::beta1", self.beta1, "0.9")?;
        check_decay("Adam::beta2", self.beta2, "0.999")?;
        check_positive("Adam::eps", self.eps, "1e-8")
    }
}

/// Coefficients of one step of Adam, with the bias corrections folded in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamUpdate {
    beta1: f64,
    beta2: f64,
    /// lr / (1 - beta1^t)
    step_size: f64,
    /// 1 / sqrt(1 - beta2^t)
    inverse_root: f64,
    eps: f64,
    /// 1 - lr wd of decoupled weight decay.
    decay: f64,
    /// L2 penalty coefficient of coupled weight decay.
    penalty: f64,
}

impl AdamUpdate {
    /// Coefficients of step `step`, counted from 1.
    pub(crate) fn new(adam: Adam, rates: Rates, step: i32) -> Self {
        let Adam {
            beta1, beta2, eps, ..
        } = adam;
        let (decay, penalty) = rates.decay_and_penalty(adam.decoupled_weight_decay);
        AdamUpdate {
            beta1,
            beta2,
            step_size: rates.learning_rate / (1.0 - beta1.powi(step)),
            inverse_root: 1.0 / (1.0 - beta2.powi(step)).sqrt(),
            eps,
            decay,
            penalty,
        }
    }

    /// Updates values and moments in one pass. `largest` is empty without AMSGrad.
    pub(crate) fn apply<T: Real>(
        &self,
        values: &mut [T],
        gradients: &[T],
        [first, second, largest]: MomentSlices<'_, T>,
    ) {
        let AdamUpdate {
            beta1,
            beta2,
            step_size,
            inverse_root,
            eps,
            decay,
            penalty,
        } = *self;
        let [beta1, beta2, step_size, inverse_root, eps, decay, penalty] =
            [beta1, beta2, step_size, inverse_root, eps, decay, penalty].map(T::of);
        // These bits are those of earlier versions. The other loops round once, as PyTorch does.
        let (new1, new2) = (T::ONE - beta1, T::ONE - beta2);
        let [exact1, exact2] = [1.0 - self.beta1, 1.0 - self.beta2].map(T::of);
        let all = values
            .iter_mut()
            .zip(gradients)
            .zip(first.iter_mut())
            .zip(second.iter_mut());
        match (largest.is_empty(), self.penalty == 0.0) {
            (true, true) => widest!(|| {
                for (((x, &g), m), v) in all {
                    *m = kept(*m * beta1 + g * new1);
                    *v = kept(*v * beta2 + g * g * new2);
                    *x = *x * decay - step_size * *m / (v.sqrt() * inverse_root + eps);
                }
            }),
            (true, false) => widest!(|| {
                for (((x, &g), m), v) in all {
                    let g = g + penalty * *x;
                    *m = kept(*m * beta1 + g * exact1);
                    *v = kept(*v * beta2 + g * g * exact2);
                    *x -= step_size * *m / (v.sqrt() * inverse_root + eps);
                }
            }),
            (false, _) => widest!(|| {
                for ((((x, &g), m), v), largest) in all.zip(largest.iter_mut()) {
                    let g = g + penalty * *x;
                    *m = kept(*m * beta1 + g * exact1);
                    *v = kept(*v * beta2 + g * g * exact2);
                    *largest = if *v > *largest { *v } else { *largest };
                    *x = *x * decay - step_size * *m / (largest.sqrt() * inverse_root + eps);
                }
            }),
        }
    }

    /// Updated value, computed with candle's tensor operations.
    pub(crate) fn apply_on_device(
        &self,
        value: &Tensor,
        gradient: &Tensor,
        [first, second, largest]: &mut DeviceMoments,
    ) -> Result<Tensor> {
        let gradient = &penalized(gradient, value, self.penalty)?;
        let mean = accumulate(first, self.beta1, (gradient * (1.0 - self.beta1))?)?;
        let square = (gradient.sqr()? * (1.0 - self.beta2))?;
        let mut square = accumulate(second, self.beta2, square)?;
        if let Some(largest) = largest {
            *largest = largest.maximum(&square)?;
            square = largest.clone();
        }
        let denominator = ((square.sqrt()? * self.inverse_root)? + self.eps)?;
        let change = (mean * self.step_size)?.div(&denominator)?;
        Ok(((value * self.decay)? - change)?)
    }
}

/// The gradient with an L2 penalty on the value.
pub(crate) fn penalized(gradient: &Tensor, value: &Tensor, penalty: f64) -> Result<Tensor> {
    if penalty == 0.0 {
        return Ok(gradient.clone());
    }
    Ok((gradient + (value * penalty)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_without_gradient_reach_zero_and_never_become_denormal() {
        let (mut x, mut m, mut v) = ([1f32], [1e-3f32], [1e-6f32]);
        for step in 1..100_000 {
            let update = AdamUpdate::new(Adam::default(), Rates::default(), step);
            update.apply(&mut x, &[0.0], [&mut m, &mut v, &mut []]);
            assert!(!m[0].is_subnormal() && !v[0].is_subnormal(), "step {step}");
        }
        assert_eq!((m[0], v[0]), (0.0, 0.0));
    }

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let error = |adam: Adam| adam.check().unwrap_err().to_string();
        assert_eq!(
            error(Adam {
                beta1: 1.0,
                ..Default::default()
            }),
            "Adam::beta1: expected a decay in [0, 1), got 1. The default is 0.9"
        );
        assert_eq!(
            error(Adam {
                eps: 0.0,
                ..Default::default()
            }),
            "Adam::eps: expected a positive number, got 0. The default is 1e-8"
        );
    }
}
