//! Stochastic gradient descent with momentum.
//!
//! m = momentum m + g + wd x, x = x - lr m

use super::moments::{DeviceMoments, NEGLIGIBLE, accumulate};
use super::rates::Rates;
use crate::error::{Error, Result};
use crate::math::{Real, widest};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of stochastic gradient descent. PyTorch: `torch.optim.SGD`.
///
/// Losses are means over all pixels, so SGD needs a much larger learning rate than Adam: start with
/// 1 without momentum, or with 0.1 and a momentum of 0.9.
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// use candlebook::optim::Sgd;
/// let optimizer = Optim::Sgd(Sgd { momentum: 0.9 });
/// let fit = Fit { optimizer, learning_rate: 0.1, ..Default::default() };
/// # assert_eq!(fit.optimizer, Optim::sgd(0.9));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sgd {
    /// Share of the previous update that is added to the next, in [0, 1). 0.9 is common. Defaults
    /// to 0, plain gradient descent.
    pub momentum: f64,
}

impl Sgd {
    /// Rejects a momentum outside its range.
    pub(crate) fn check(&self) -> Result<()> {
        if (0.0..1.0).contains(&self.momentum) {
            return Ok(());
        }
        let hint = "0.9 is common; 0 is plain gradient descent";
        Err(Error::setting(
            "Sgd::momentum",
            "a number in [0, 1)",
            self.momentum,
            hint,
        ))
    }
}

/// Coefficients of one step of SGD.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SgdUpdate {
    momentum: f64,
    learning_rate: f64,
    /// L2 penalty coefficient.
    weight_decay: f64,
}

impl SgdUpdate {
    pub(crate) fn new(sgd: Sgd, rates: Rates) -> Self {
        SgdUpdate {
            momentum: sgd.momentum,
            learning_rate: rates.learning_rate,
            weight_decay: rates.weight_decay,
        }
    }

    /// Updates values and the velocity in one pass. Without momentum, `velocity` is empty.
    pub(crate) fn apply<T: Real>(&self, values: &mut [T], gradients: &[T], velocity: &mut [T]) {
        let [momentum, learning_rate, weight_decay] =
            [self.momentum, self.learning_rate, self.weight_decay].map(T::of);
        if velocity.is_empty() {
            return widest!(|| {
                values
                    .iter_mut()
                    .zip(gradients)
                    .for_each(|(x, &g)| *x -= learning_rate * (g + weight_decay * *x));
            });
        }
        let negligible = T::of(NEGLIGIBLE);
        widest!(|| {
            for ((x, &g), m) in values.iter_mut().zip(gradients).zip(velocity.iter_mut()) {
                let next = *m * momentum + g + weight_decay * *x;
                *m = if next.abs() < negligible {
                    T::ZERO
                } else {
                    next
                };
                *x -= learning_rate * *m;
            }
        });
    }

    /// Updated value, computed with candle's tensor operations.
    pub(crate) fn apply_on_device(
        &self,
        value: &Tensor,
        gradient: &Tensor,
        [velocity, _]: &mut DeviceMoments,
    ) -> Result<Tensor> {
        let penalized = (gradient + (value * self.weight_decay)?)?;
        let direction = accumulate(velocity, self.momentum, penalized)?;
        Ok((value - (direction * self.learning_rate)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_momentum_of_one_is_rejected() {
        let error = Sgd { momentum: 1.0 }.check().unwrap_err().to_string();
        assert_eq!(
            error,
            "Sgd::momentum: expected a number in [0, 1), got 1. 0.9 is common; 0 is plain gradient \
             descent"
        );
    }

    #[test]
    fn a_velocity_without_gradient_reaches_zero() {
        let (mut x, mut velocity) = ([0f32], [1e-3f32]);
        let update = SgdUpdate::new(Sgd { momentum: 0.9 }, Rates::default());
        for _ in 0..1000 {
            update.apply(&mut x, &[0.0], &mut velocity);
            assert!(!velocity[0].is_subnormal());
        }
        assert_eq!(velocity[0], 0.0);
    }
}
