//! Adam with decoupled weight decay.
//!
//! m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g²,
//! x = (1 - lr wd) x - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)

use super::moments::{DeviceMoments, NEGLIGIBLE, accumulate};
use super::rates::Rates;
use crate::error::{Error, Result};
use crate::math::{Real, widest};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2015). Its weight
/// decay is decoupled (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019).
/// PyTorch: `torch.optim.AdamW`.
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
}

impl Default for Adam {
    fn default() -> Self {
        Adam {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
        }
    }
}

impl Adam {
    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        for (name, beta, default) in [
            ("Adam::beta1", self.beta1, "0.9"),
            ("Adam::beta2", self.beta2, "0.999"),
        ] {
            if !(0.0..1.0).contains(&beta) {
                let hint = format!("The default is {default}");
                return Err(Error::setting(name, "a decay in [0, 1)", beta, hint));
            }
        }
        if !(self.eps > 0.0 && self.eps.is_finite()) {
            let hint = "The default is 1e-8";
            return Err(Error::setting(
                "Adam::eps",
                "a positive number",
                self.eps,
                hint,
            ));
        }
        Ok(())
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
    /// 1 - lr wd
    decay: f64,
}

impl AdamUpdate {
    /// Coefficients of step `step`, counted from 1.
    pub(crate) fn new(adam: Adam, rates: Rates, step: i32) -> Self {
        let Adam { beta1, beta2, eps } = adam;
        let Rates {
            learning_rate,
            weight_decay,
        } = rates;
        AdamUpdate {
            beta1,
            beta2,
            step_size: learning_rate / (1.0 - beta1.powi(step)),
            inverse_root: 1.0 / (1.0 - beta2.powi(step)).sqrt(),
            eps,
            decay: 1.0 - learning_rate * weight_decay,
        }
    }

    /// Updates values and moments in one pass.
    pub(crate) fn apply<T: Real>(
        &self,
        values: &mut [T],
        gradients: &[T],
        [first, second]: [&mut [T]; 2],
    ) {
        let AdamUpdate {
            beta1,
            beta2,
            step_size,
            inverse_root,
            eps,
            decay,
        } = *self;
        let [beta1, beta2, step_size, inverse_root, eps, decay] =
            [beta1, beta2, step_size, inverse_root, eps, decay].map(T::of);
        let (new1, new2) = (T::ONE - beta1, T::ONE - beta2);
        let negligible = T::of(NEGLIGIBLE);
        widest!(|| {
            let all = values
                .iter_mut()
                .zip(gradients)
                .zip(first.iter_mut())
                .zip(second.iter_mut());
            for (((x, &g), m), v) in all {
                let mean = *m * beta1 + g * new1;
                let square = *v * beta2 + g * g * new2;
                *m = if mean.abs() < negligible {
                    T::ZERO
                } else {
                    mean
                };
                *v = if square < negligible { T::ZERO } else { square };
                *x = *x * decay - step_size * *m / (v.sqrt() * inverse_root + eps);
            }
        });
    }

    /// Updated value, computed with candle's tensor operations.
    pub(crate) fn apply_on_device(
        &self,
        value: &Tensor,
        gradient: &Tensor,
        [first, second]: &mut DeviceMoments,
    ) -> Result<Tensor> {
        let mean = accumulate(first, self.beta1, (gradient * (1.0 - self.beta1))?)?;
        let square = (gradient.sqr()? * (1.0 - self.beta2))?;
        let square = accumulate(second, self.beta2, square)?;
        let denominator = ((square.sqrt()? * self.inverse_root)? + self.eps)?;
        let change = (mean * self.step_size)?.div(&denominator)?;
        Ok(((value * self.decay)? - change)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_without_gradient_reach_zero_and_never_become_denormal() {
        let (mut x, mut m, mut v) = ([1f32], [1e-3f32], [1e-6f32]);
        for step in 1..100_000 {
            let update = AdamUpdate::new(Adam::default(), Rates::default(), step);
            update.apply(&mut x, &[0.0], [&mut m, &mut v]);
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
