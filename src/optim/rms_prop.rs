//! RMSprop.
//!
//! g' = g + wd x, v = alpha v + (1 - alpha) g'², m = alpha m + (1 - alpha) g',
//! d = g' / (sqrt(v - m²) + eps), with m = 0 if it is not centered,
//! u = momentum u + d, x = x - lr u

use super::moments::{DeviceMoments, MomentSlices, accumulate, kept};
use super::ranges::{check_decay, check_positive};
use super::rates::Rates;
use crate::error::Result;
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
    /// Share of the previous update that is added to the next, in [0, 1). Defaults to 0.
    pub momentum: f64,
}

impl Default for RmsProp {
    fn default() -> Self {
        RmsProp {
            alpha: 0.99,
            eps: 1e-8,
            centered: false,
            momentum: 0.0,
        }
    }
}

impl RmsProp {
    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        check_decay("RmsProp::alpha", self.alpha, "0.99")?;
        check_positive("RmsProp::eps", self.eps, "1e-8")?;
        check_decay("RmsProp::momentum", self.momentum, "0")
    }
}

/// Coefficients of one step of RMSprop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RmsPropUpdate {
    settings: RmsProp,
    learning_rate: f64,
    /// L2 penalty coefficient.
    weight_decay: f64,
}

impl RmsPropUpdate {
    pub(crate) fn new(settings: RmsProp, rates: Rates) -> Self {
        RmsPropUpdate {
            settings,
            learning_rate: rates.learning_rate,
            weight_decay: rates.weight_decay,
        }
    }

    /// Updates values and moments in one pass. `means` is empty if it is not centered, `velocity`
    /// without momentum.
    pub(crate) fn apply<T: Real>(
        &self,
        values: &mut [T],
        gradients: &[T],
        [means, squares, velocity]: MomentSlices<'_, T>,
    ) {
        let RmsProp {
            alpha,
            eps,
            momentum,
            ..
        } = self.settings;
        let [alpha, eps, momentum] = [alpha, eps, momentum].map(T::of);
        let [learning_rate, weight_decay] = [self.learning_rate, self.weight_decay].map(T::of);
        let new = T::ONE - alpha;
        let all = values.iter_mut().zip(gradients).zip(squares.iter_mut());
        match (means.is_empty(), velocity.is_empty()) {
            (true, true) => widest!(|| {
                for ((x, &g), v) in all {
                    let g = g + weight_decay * *x;
                    *v = kept(*v * alpha + g * g * new);
                    *x -= learning_rate * g / (v.sqrt() + eps);
                }
            }),
            (false, true) => widest!(|| {
                for (((x, &g), v), m) in all.zip(means.iter_mut()) {
                    let g = g + weight_decay * *x;
                    *m = kept(*m * alpha + g * new);
                    *v = kept(*v * alpha + g * g * new);
                    *x -= learning_rate * g / (variance(*m, *v).sqrt() + eps);
                }
            }),
            (true, false) => widest!(|| {
                for (((x, &g), v), u) in all.zip(velocity.iter_mut()) {
                    let g = g + weight_decay * *x;
                    *v = kept(*v * alpha + g * g * new);
                    *u = kept(*u * momentum + g / (v.sqrt() + eps));
                    *x -= learning_rate * *u;
                }
            }),
            (false, false) => widest!(|| {
                let moments = means.iter_mut().zip(velocity.iter_mut());
                for (((x, &g), v), (m, u)) in all.zip(moments) {
                    let g = g + weight_decay * *x;
                    *m = kept(*m * alpha + g * new);
                    *v = kept(*v * alpha + g * g * new);
                    *u = kept(*u * momentum + g / (variance(*m, *v).sqrt() + eps));
                    *x -= learning_rate * *u;
                }
            }),
        }
    }

    /// Updated value, computed with candle's tensor operations.
    pub(crate) fn apply_on_device(
        &self,
        value: &Tensor,
        gradient: &Tensor,
        [mean, square, velocity]: &mut DeviceMoments,
    ) -> Result<Tensor> {
        let RmsProp {
            alpha,
            eps,
            momentum,
            ..
        } = self.settings;
        let new = 1.0 - alpha;
        let gradient = (gradient + (value * self.weight_decay)?)?;
        let square = accumulate(square, alpha, (gradient.sqr()? * new)?)?;
        let variance = if mean.is_some() {
            let mean = accumulate(mean, alpha, (&gradient * new)?)?;
            (square - mean.sqr()?)?.relu()?
        } else {
            square
        };
        let change = gradient.div(&(variance.sqrt()? + eps)?)?;
        let change = accumulate(velocity, momentum, change)?;
        Ok((value - (change * self.learning_rate)?)?)
    }
}

/// Variance of a mean and a mean square. Rounding makes that of equal gradients negative.
#[inline(always)]
fn variance<T: Real>(mean: T, square: T) -> T {
    let variance = square - mean * mean;
    if variance < T::ZERO {
        T::ZERO
    } else {
        variance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_without_gradient_reach_zero_and_never_become_denormal() {
        let settings = RmsProp {
            momentum: 0.9,
            ..Default::default()
        };
        let update = RmsPropUpdate::new(settings, Rates::default());
        let (mut x, mut m, mut v, mut u) = ([1f32], [1e-3f32], [1e-6f32], [1f32]);
        for step in 1..20_000 {
            update.apply(&mut x, &[0.0], [&mut m, &mut v, &mut u]);
            let moments = [m[0], v[0], u[0]];
            assert!(moments.iter().all(|m| !m.is_subnormal()), "step {step}");
        }
        assert_eq!((m[0], v[0], u[0]), (0.0, 0.0, 0.0));
    }

    #[test]
    fn equal_gradients_and_nan_give_no_other_numbers() {
        let update = RmsPropUpdate::new(RmsProp::default(), Rates::default());
        let (mut x, mut m, mut v) = ([0f32], [0f32], [0f32]);
        for _ in 0..5000 {
            update.apply(&mut x, &[0.1], [&mut m, &mut v, &mut []]);
            assert!(x[0].is_finite());
        }
        update.apply(&mut x, &[f32::NAN], [&mut m, &mut v, &mut []]);
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
        assert_eq!(
            error(RmsProp {
                momentum: 1.0,
                ..defaults
            }),
            "RmsProp::momentum: expected a decay in [0, 1), got 1. The default is 0"
        );
    }
}
