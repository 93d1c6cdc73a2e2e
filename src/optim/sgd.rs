//! Stochastic gradient descent with momentum.
//!
//! g' = g + wd x, m = momentum m + (1 - dampening) g' (m = g' in the first step), x = x - lr m,
//! or with Nesterov momentum x = x - lr (g' + momentum m)

use super::moments::{DeviceMoments, MomentSlices, accumulate, kept};
use super::ranges::check_not_negative;
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
/// let optimizer = Optim::Sgd(Sgd { momentum: 0.9, nesterov: true, ..Default::default() });
/// let fit = Fit { optimizer, learning_rate: 0.1, ..Default::default() };
/// # assert_eq!(fit.optimizer.to_string(), "Sgd(momentum = 0.9, nesterov = true)");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sgd {
    /// Share of the previous update that is added to the next, in [0, 1). 0.9 is common. Defaults
    /// to 0, plain gradient descent.
    pub momentum: f64,
    /// Share of the gradient that does not enter the momentum, in [0, 1]. Defaults to 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub dampening: f64,
    /// Look one step ahead (Sutskever and others, "On the importance of initialization and momentum
    /// in deep learning", 2013). Needs a momentum, and no dampening. Defaults to false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub nesterov: bool,
}

/// Settings of later versions are written only if they are used.
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl Sgd {
    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        if !(0.0..1.0).contains(&self.momentum) {
            let hint = "0.9 is common; 0 is plain gradient descent";
            let name = "Sgd::momentum";
            return Err(Error::setting(
                name,
                "a number in [0, 1)",
                self.momentum,
                hint,
            ));
        }
        check_not_negative("Sgd::dampening", self.dampening, "The default is 0")?;
        if self.dampening > 1.0 {
            let (name, hint) = ("Sgd::dampening", "The default is 0");
            return Err(Error::setting(
                name,
                "a number in [0, 1]",
                self.dampening,
                hint,
            ));
        }
        if self.nesterov && (self.momentum == 0.0 || self.dampening != 0.0) {
            let got = format!("momentum {}, dampening {}", self.momentum, self.dampening);
            let (expected, hint) = ("a momentum and no dampening", "momentum: 0.9 is common");
            return Err(Error::setting("Sgd::nesterov", expected, got, hint));
        }
        Ok(())
    }
}

/// Coefficients of one step of SGD.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SgdUpdate {
    momentum: f64,
    /// Share of the gradient that enters the momentum.
    new: f64,
    nesterov: bool,
    learning_rate: f64,
    /// L2 penalty coefficient.
    weight_decay: f64,
}

impl SgdUpdate {
    /// Coefficients of step `step`, counted from 1.
    pub(crate) fn new(sgd: Sgd, rates: Rates, step: i32) -> Self {
        SgdUpdate {
            momentum: sgd.momentum,
            new: if step == 1 { 1.0 } else { 1.0 - sgd.dampening },
            nesterov: sgd.nesterov,
            learning_rate: rates.learning_rate,
            weight_decay: rates.weight_decay,
        }
    }

    /// Updates values and the velocity in one pass. Without momentum, `velocity` is empty.
    pub(crate) fn apply<T: Real>(
        &self,
        values: &mut [T],
        gradients: &[T],
        [velocity, _, _]: MomentSlices<'_, T>,
    ) {
        let [momentum, new] = [self.momentum, self.new].map(T::of);
        let [learning_rate, weight_decay] = [self.learning_rate, self.weight_decay].map(T::of);
        if velocity.is_empty() {
            return widest!(|| {
                values
                    .iter_mut()
                    .zip(gradients)
                    .for_each(|(x, &g)| *x -= learning_rate * (g + weight_decay * *x));
            });
        }
        let all = values.iter_mut().zip(gradients).zip(velocity.iter_mut());
        match (self.nesterov, self.new == 1.0) {
            (false, true) => widest!(|| {
                for ((x, &g), m) in all {
                    *m = kept(*m * momentum + g + weight_decay * *x);
                    *x -= learning_rate * *m;
                }
            }),
            (false, false) => widest!(|| {
                for ((x, &g), m) in all {
                    *m = kept(*m * momentum + new * (g + weight_decay * *x));
                    *x -= learning_rate * *m;
                }
            }),
            (true, _) => widest!(|| {
                for ((x, &g), m) in all {
                    let g = g + weight_decay * *x;
                    *m = kept(*m * momentum + g);
                    *x -= learning_rate * (g + momentum * *m);
                }
            }),
        }
    }

    /// Updated value, computed with candle's tensor operations.
    pub(crate) fn apply_on_device(
        &self,
        value: &Tensor,
        gradient: &Tensor,
        [velocity, _, _]: &mut DeviceMoments,
    ) -> Result<Tensor> {
        let gradient = (gradient + (value * self.weight_decay)?)?;
        if velocity.is_none() {
            return Ok((value - (gradient * self.learning_rate)?)?);
        }
        let mean = accumulate(velocity, self.momentum, (&gradient * self.new)?)?;
        let direction = match self.nesterov {
            true => (gradient + (mean * self.momentum)?)?,
            false => mean,
        };
        Ok((value - (direction * self.learning_rate)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let error = |momentum, dampening, nesterov| {
            let sgd = Sgd {
                momentum,
                dampening,
                nesterov,
            };
            sgd.check().unwrap_err().to_string()
        };
        assert_eq!(
            error(1.0, 0.0, false),
            "Sgd::momentum: expected a number in [0, 1), got 1. 0.9 is common; 0 is plain gradient \
             descent"
        );
        assert_eq!(
            error(0.9, 1.5, false),
            "Sgd::dampening: expected a number in [0, 1], got 1.5. The default is 0"
        );
        assert_eq!(
            error(0.0, 0.0, true),
            "Sgd::nesterov: expected a momentum and no dampening, got momentum 0, dampening 0. \
             momentum: 0.9 is common"
        );
    }

    #[test]
    fn a_velocity_without_gradient_reaches_zero() {
        let (mut x, mut velocity) = ([0f32], [1e-3f32]);
        for nesterov in [false, true] {
            let sgd = Sgd {
                momentum: 0.9,
                nesterov,
                ..Default::default()
            };
            let update = SgdUpdate::new(sgd, Rates::default(), 2);
            for _ in 0..1000 {
                update.apply(&mut x, &[0.0], [&mut velocity, &mut [], &mut []]);
                assert!(!velocity[0].is_subnormal());
            }
            assert_eq!(velocity[0], 0.0);
        }
    }
}
