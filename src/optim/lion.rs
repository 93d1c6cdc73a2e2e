//! Lion.
//!
//! x = (1 - lr wd) x - lr sign(beta1 m + (1 - beta1) g), m = beta2 m + (1 - beta2) g

use super::moments::{DeviceMoments, MomentSlices, kept};
use super::ranges::check_decay;
use super::rates::Rates;
use crate::error::Result;
use crate::math::{Real, widest};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of Lion (Chen and others, "Symbolic discovery of optimization algorithms", 2023,
/// algorithm 2). Every weight moves by the learning rate in each step, so it should be 3 to 10 times
/// smaller than for Adam, and the weight decay as many times larger.
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// use candlebook::optim::Lion;
/// let optimizer = Optim::Lion(Lion::default());
/// let fit = Fit { optimizer, learning_rate: 2e-4, ..Default::default() };
/// # assert_eq!(fit.optimizer.to_string(), "Lion(beta1 = 0.9, beta2 = 0.99)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lion {
    /// Share of the running mean in the sum whose sign is the step, in [0, 1). Defaults to 0.9.
    pub beta1: f64,
    /// Decay of the running mean of the gradients, in [0, 1). Defaults to 0.99.
    pub beta2: f64,
}

impl Default for Lion {
    fn default() -> Self {
        Lion {
            beta1: 0.9,
            beta2: 0.99,
        }
    }
}

impl Lion {
    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        check_decay("Lion::beta1", self.beta1, "0.9")?;
        check_decay("Lion::beta2", self.beta2, "0.99")
    }
}

/// Coefficients of one step of Lion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LionUpdate {
    settings: Lion,
    learning_rate: f64,
    /// 1 - lr wd
    decay: f64,
}

impl LionUpdate {
    pub(crate) fn new(settings: Lion, rates: Rates) -> Self {
        LionUpdate {
            settings,
            learning_rate: rates.learning_rate,
            decay: rates.decay_and_penalty(true).0,
        }
    }

    /// Updates values and means in one pass.
    pub(crate) fn apply<T: Real>(
        &self,
        values: &mut [T],
        gradients: &[T],
        [means, _, _]: MomentSlices<'_, T>,
    ) {
        let Lion { beta1, beta2 } = self.settings;
        let [new1, new2] = [1.0 - beta1, 1.0 - beta2].map(T::of);
        let [beta1, beta2] = [beta1, beta2].map(T::of);
        let [learning_rate, decay] = [self.learning_rate, self.decay].map(T::of);
        widest!(|| {
            for ((x, &g), m) in values.iter_mut().zip(gradients).zip(means.iter_mut()) {
                let direction = sign(*m * beta1 + g * new1);
                *m = kept(*m * beta2 + g * new2);
                *x = *x * decay - learning_rate * direction;
            }
        });
    }

    /// Updated value, computed with candle's tensor operations.
    pub(crate) fn apply_on_device(
        &self,
        value: &Tensor,
        gradient: &Tensor,
        [mean, _, _]: &mut DeviceMoments,
    ) -> Result<Tensor> {
        let Lion { beta1, beta2 } = self.settings;
        let mut direction = (gradient * (1.0 - beta1))?;
        if let Some(mean) = mean {
            direction = (direction + (&*mean * beta1)?)?;
            *mean = ((&*mean * beta2)? + (gradient * (1.0 - beta2))?)?;
        }
        Ok(((value * self.decay)? - (direction.sign()? * self.learning_rate)?)?)
    }
}

/// -1, 0 or 1; NaN of NaN.
#[inline(always)]
fn sign<T: Real>(value: T) -> T {
    if value > T::ZERO {
        T::ONE
    } else if value < T::ZERO {
        -T::ONE
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_with_a_gradient_moves_by_the_learning_rate() {
        let (mut x, mut m) = ([1f32, 1.0, 1.0, 1.0], [0f32; 4]);
        let update = LionUpdate::new(Lion::default(), Rates::default());
        let gradients = [1e-9, -5.0, 0.0, f32::NAN];
        update.apply(&mut x, &gradients, [&mut m, &mut [], &mut []]);
        assert_eq!(x[..3], [0.999, 1.001, 1.0]);
        assert!(x[3].is_nan());
    }

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let lion = Lion {
            beta2: 1.0,
            ..Default::default()
        };
        assert_eq!(
            lion.check().unwrap_err().to_string(),
            "Lion::beta2: expected a decay in [0, 1), got 1. The default is 0.99"
        );
    }
}
