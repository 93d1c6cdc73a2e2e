//! RMSprop.
//!
//! g' = g + wd x, v = alpha v + (1 - alpha) g'², m = alpha m + (1 - alpha) g',
//! x = x - lr g' / (sqrt(v - m²) + eps), with m = 0 if it is not centered.

use super::moments::{DeviceMoments, NEGLIGIBLE, accumulate};
use super::rates::Rates;
use crate::error::{Error, Result};
use crate::math::{Real, widest};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of RMSprop (Tieleman and Hinton, "Lecture 6.5", 2012; centered: Graves, "Generating
/// sequences with recurrent neural networks", 2013). PyTorch: `torch.optim.RMSprop`.
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// use candlebook::optim::RmsProp;
/// let optimizer = Optim::RmsProp(RmsProp { centered: true, ..Default::default() });
/// let fit = Fit { optimizer, ..Default::default() };
/// # assert_eq!(fit.optimizer.to_string(), "RmsProp(alpha = 0.99, eps = 1e-8, centered = true)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RmsProp {
    /// Decay of the running means, in [0, 1). Defaults to 0.99.
    pub alpha: f64,
    /// Added to the denominator so that it is never zero. Defaults to 1e-8.
    pub eps: f64,
    /// Divide by the standard deviation of the gradients instead of their root mean square.
    /// Defaults to false.
    pub centered: bool,
}

impl Default for RmsProp {
    fn default() -> Self {
        RmsProp {
            alpha: 0.99,
            eps: 1e-8,
            centered: false,
        }
    }
}

impl RmsProp {
    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        if !(0.0..1.0).contains(&self.alpha) {
            return Err(Error::setting(
                "RmsProp::alpha",
                "a decay in [0, 1)",
                self.alpha,
                "The default is 0.99",
            ));
        }
        if !(self.eps > 0.0 && self.eps.is_finite()) {
            return Err(Error::setting(
                "RmsProp::eps",
                "a positive number",
                self.eps,
                "The default is 1e-8",
            ));
        }
        Ok(())
    }
}

/// Coefficients of one step of RMSprop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RmsPropUpdate {
    alpha: f64,
    eps: f64,
    learning_rate: f64,
    /// L2 penalty coefficient.
    weight_decay: f64,
}

impl RmsPropUpdate {
    pub(crate) fn new(rms_prop: RmsProp, rates: Rates) -> Self {
        RmsPropUpdate {
            alpha: rms_prop.alpha,
            eps: rms_prop.eps,
            learning_rate: rates.learning_rate,
            weight_decay: rates.weight_decay,
        }
    }

    /// Updates values and moments in one pass. If it is not centered, `means` is empty.
    pub(crate) fn apply<T: Real>(
        &self,
        values: &mut [T],
        gradients: &[T],
        [means, squares]: [&mut [T]; 2],
    ) {
        let [alpha, eps, learning_rate, weight_decay] =
            [self.alpha, self.eps, self.learning_rate, self.weight_decay].map(T::of);
        let new = T::ONE - alpha;
        let negligible = T::of(NEGLIGIBLE);
        let kept = |moment: T| {
            if moment.abs() < negligible {
                T::ZERO
            } else {
                moment
            }
        };
        if means.is_empty() {
            return widest!(|| {
                for ((x, &g), v) in values.iter_mut().zip(gradients).zip(squares.iter_mut()) {
                    let g = g + weight_decay * *x;
                    *v = kept(*v * alpha + g * g * new);
                    *x -= learning_rate * g / (v.sqrt() + eps);
                }
            });
        }
        widest!(|| {
            let moments = means.iter_mut().zip(squares.iter_mut());
            for ((x, &g), (m, v)) in values.iter_mut().zip(gradients).zip(moments) {
                let g = g + weight_decay * *x;
                *m = kept(*m * alpha + g * new);
                *v = kept(*v * alpha + g * g * new);
                let variance = *v - *m * *m;
                // Rounding makes the variance of equal gradients negative.
                let variance = if variance < T::ZERO {
                    T::ZERO
                } else {
                    variance
                };
                *x -= learning_rate * g / (variance.sqrt() + eps);
            }
        });
    }

    /// Updated value, computed with candle's tensor operations.
    pub(crate) fn apply_on_device(
        &self,
        value: &Tensor,
        gradient: &Tensor,
        [mean, square]: &mut DeviceMoments,
    ) -> Result<Tensor> {
        let new = 1.0 - self.alpha;
        let gradient = (gradient + (value * self.weight_decay)?)?;
        let square = accumulate(square, self.alpha, (gradient.sqr()? * new)?)?;
        let variance = if mean.is_some() {
            let mean = accumulate(mean, self.alpha, (&gradient * new)?)?;
            (square - mean.sqr()?)?.relu()?
        } else {
            square
        };
        let change = gradient.div(&(variance.sqrt()? + self.eps)?)?;
        Ok((value - (change * self.learning_rate)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_without_gradient_reach_zero_and_never_become_denormal() {
        let (mut x, mut m, mut v) = ([1f32], [1e-3f32], [1e-6f32]);
        let update = RmsPropUpdate::new(RmsProp::default(), Rates::default());
        for step in 1..20_000 {
            update.apply(&mut x, &[0.0], [&mut m, &mut v]);
            assert!(!m[0].is_subnormal() && !v[0].is_subnormal(), "step {step}");
        }
        assert_eq!((m[0], v[0]), (0.0, 0.0));
    }

    #[test]
    fn equal_gradients_and_nan_give_no_other_numbers() {
        let update = RmsPropUpdate::new(RmsProp::default(), Rates::default());
        let (mut x, mut m, mut v) = ([0f32], [0f32], [0f32]);
        for _ in 0..5000 {
            update.apply(&mut x, &[0.1], [&mut m, &mut v]);
            assert!(x[0].is_finite());
        }
        update.apply(&mut x, &[f32::NAN], [&mut m, &mut v]);
        assert!(x[0].is_nan());
    }

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let error = |rms_prop: RmsProp| rms_prop.check().unwrap_err().to_string();
        let defaults = RmsProp::default();
        assert_eq!(
            error(RmsProp {
                alpha: 1.0,
                ..defaults
            }),
            "RmsProp::alpha: expected a decay in [0, 1), got 1. The default is 0.99"
        );
        assert_eq!(
            error(RmsProp {
                eps: f64::NAN,
                ..defaults
            }),
            "RmsProp::eps: expected a positive number, got NaN. The default is 1e-8"
        );
    }
}
