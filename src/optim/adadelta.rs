//! Adadelta.
//!
//! g' = g + wd x, v = rho v + (1 - rho) g'², d = sqrt(u + eps) / sqrt(v + eps) g',
//! u = rho u + (1 - rho) d², x = x - lr d

use super::moments::{DeviceMoments, MomentSlices, accumulate, kept};
use super::ranges::{check_decay, check_positive};
use super::rates::Rates;
use crate::error::Result;
use crate::math::{Real, widest};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of Adadelta (Zeiler, "ADADELTA: an adaptive learning rate method", 2012). PyTorch:
/// `torch.optim.Adadelta`. It finds the size of its steps by itself: the learning rate is a factor,
/// and usually 1.
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// use candlebook::optim::Adadelta;
/// let optimizer = Optim::Adadelta(Adadelta { rho: 0.95, ..Default::default() });
/// let fit = Fit { optimizer, learning_rate: 1.0, ..Default::default() };
/// # assert_eq!(fit.optimizer.to_string(), "Adadelta(rho = 0.95, eps = 1e-6)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adadelta {
    /// Decay of the running means, in [0, 1). Defaults to 0.9.
    pub rho: f64,
    /// Added to both means, so that the first step is not zero. Defaults to 1e-6.
    pub eps: f64,
}

impl Default for Adadelta {
    fn default() -> Self {
        Adadelta {
            rho: 0.9,
            eps: 1e-6,
        }
    }
}

impl Adadelta {
    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        check_decay("Adadelta::rho", self.rho, "0.9")?;
        check_positive("Adadelta::eps", self.eps, "1e-6")
    }
}

/// Coefficients of one step of Adadelta.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdadeltaUpdate {
    settings: Adadelta,
    rates: Rates,
}

impl AdadeltaUpdate {
    pub(crate) fn new(settings: Adadelta, rates: Rates) -> Self {
        AdadeltaUpdate { settings, rates }
    }

    /// Updates values and the mean squares of steps and gradients in one pass.
    pub(crate) fn apply<T: Real>(
        &self,
        values: &mut [T],
        gradients: &[T],
        [steps, squares, _]: MomentSlices<'_, T>,
    ) {
        let Adadelta { rho, eps } = self.settings;
        let [rho, eps] = [rho, eps].map(T::of);
        let [learning_rate, weight_decay] =
            [self.rates.learning_rate, self.rates.weight_decay].map(T::of);
        let new = T::ONE - rho;
        widest!(|| {
            let moments = steps.iter_mut().zip(squares.iter_mut());
            for ((x, &g), (u, v)) in values.iter_mut().zip(gradients).zip(moments) {
                let g = g + weight_decay * *x;
                *v = kept(*v * rho + g * g * new);
                let step = (*u + eps).sqrt() / (*v + eps).sqrt() * g;
                *u = kept(*u * rho + step * step * new);
                *x -= learning_rate * step;
            }
        });
    }

    /// Updated value, computed with candle's tensor operations.
    pub(crate) fn apply_on_device(
        &self,
        value: &Tensor,
        gradient: &Tensor,
        [steps, squares, _]: &mut DeviceMoments,
    ) -> Result<Tensor> {
        let Adadelta { rho, eps } = self.settings;
        let gradient = (gradient + (value * self.rates.weight_decay)?)?;
        let square = accumulate(squares, rho, (gradient.sqr()? * (1.0 - rho))?)?;
        let before = match steps {
            Some(steps) => (&*steps + eps)?.sqrt()?,
            None => gradient.ones_like()?.affine(eps.sqrt(), 0.0)?,
        };
        let step = (before.div(&(square + eps)?.sqrt()?)? * gradient)?;
        accumulate(steps, rho, (step.sqr()? * (1.0 - rho))?)?;
        Ok((value - (step * self.rates.learning_rate)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_without_gradient_reach_zero_and_never_become_denormal() {
        let (mut x, mut u, mut v) = ([1f32], [1e-3f32], [1e-6f32]);
        let update = AdadeltaUpdate::new(Adadelta::default(), Rates::default());
        for step in 1..2_000 {
            update.apply(&mut x, &[0.0], [&mut u, &mut v, &mut []]);
            assert!(!u[0].is_subnormal() && !v[0].is_subnormal(), "step {step}");
        }
        assert_eq!((u[0], v[0]), (0.0, 0.0));
        update.apply(&mut x, &[f32::NAN], [&mut u, &mut v, &mut []]);
        assert!(x[0].is_nan());
    }

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let error = |adadelta: Adadelta| adadelta.check().unwrap_err().to_string();
        let defaults = Adadelta::default();
        assert_eq!(
            error(Adadelta {
                rho: -0.1,
                ..defaults
            }),
            "Adadelta::rho: expected a decay in [0, 1), got -0.1. The default is 0.9"
        );
        assert_eq!(
            error(Adadelta {
                eps: 0.0,
                ..defaults
            }),
            "Adadelta::eps: expected a positive number, got 0. The default is 1e-6"
        );
    }
}
