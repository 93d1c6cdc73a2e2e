//! Adamax.
//!
//! g' = g + wd x, m = beta1 m + (1 - beta1) g', u = max(beta2 u, |g'| + eps),
//! x = x - lr / (1 - beta1^t) m / u

use super::adam::penalized;
use super::moments::{DeviceMoments, MomentSlices, accumulate, kept};
use super::ranges::{check_decay, check_positive};
use super::rates::Rates;
use crate::error::Result;
use crate::math::{Real, widest};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of Adamax, which is Adam with the maximum norm (Kingma and Ba, "Adam: a method for
/// stochastic optimization", 2015, section 7). PyTorch: `torch.optim.Adamax`, whose learning rate
/// is 0.002 by default.
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// use candlebook::optim::Adamax;
/// let optimizer = Optim::Adamax(Adamax::default());
/// let fit = Fit { optimizer, learning_rate: 0.002, ..Default::default() };
/// # assert_eq!(fit.optimizer.to_string(), "Adamax(beta1 = 0.9, beta2 = 0.999, eps = 1e-8)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adamax {
    /// Decay of the running mean of the gradients, in [0, 1). Defaults to 0.9.
    pub beta1: f64,
    /// Decay of the running maximum of the gradients, in [0, 1). Defaults to 0.999.
    pub beta2: f64,
    /// Added to the size of each gradient so that the maximum is never zero. Defaults to 1e-8.
    pub eps: f64,
}

impl Default for Adamax {
    fn default() -> Self {
        Adamax {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
        }
    }
}

impl Adamax {
    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        check_decay("Adamax::beta1", self.beta1, "0.9")?;
        check_decay("Adamax::beta2", self.beta2, "0.999")?;
        check_positive("Adamax::eps", self.eps, "1e-8")
    }
}

/// Coefficients of one step of Adamax.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamaxUpdate {
    settings: Adamax,
    /// lr / (1 - beta1^t)
    step_size: f64,
    /// L2 penalty coefficient.
    weight_decay: f64,
}

impl AdamaxUpdate {
    /// Coefficients of step `step`, counted from 1.
    pub(crate) fn new(settings: Adamax, rates: Rates, step: i32) -> Self {
        AdamaxUpdate {
            settings,
            step_size: rates.learning_rate / (1.0 - settings.beta1.powi(step)),
            weight_decay: rates.weight_decay,
        }
    }

    /// Updates values and moments in one pass.
    pub(crate) fn apply<T: Real>(
        &self,
        values: &mut [T],
        gradients: &[T],
        [means, norms, _]: MomentSlices<'_, T>,
    ) {
        let Adamax { beta1, beta2, eps } = self.settings;
        let [beta1, beta2, eps] = [beta1, beta2, eps].map(T::of);
        let [step_size, weight_decay] = [self.step_size, self.weight_decay].map(T::of);
        let new = T::of(1.0 - self.settings.beta1);
        widest!(|| {
            let moments = means.iter_mut().zip(norms.iter_mut());
            for ((x, &g), (m, u)) in values.iter_mut().zip(gradients).zip(moments) {
                let g = g + weight_decay * *x;
                *m = kept(*m * beta1 + g * new);
                let (before, now) = (*u * beta2, g.abs() + eps);
                *u = if before > now { before } else { now };
                *x -= step_size * *m / *u;
            }
        });
    }

    /// Updated value, computed with candle's tensor operations.
    pub(crate) fn apply_on_device(
        &self,
        value: &Tensor,
        gradient: &Tensor,
        [mean, norm, _]: &mut DeviceMoments,
    ) -> Result<Tensor> {
        let Adamax { beta1, beta2, eps } = self.settings;
        let gradient = penalized(gradient, value, self.weight_decay)?;
        let mean = accumulate(mean, beta1, (&gradient * (1.0 - beta1))?)?;
        let mut largest = (gradient.abs()? + eps)?;
        if let Some(norm) = norm {
            largest = (&*norm * beta2)?.maximum(&largest)?;
            *norm = largest.clone();
        }
        Ok((value - (mean.div(&largest)? * self.step_size)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_has_at_most_the_size_of_the_learning_rate() {
        let (mut x, mut m, mut u) = ([1f32], [0f32], [0f32]);
        for step in 1..10 {
            let before = x[0];
            let update = AdamaxUpdate::new(Adamax::default(), Rates::default(), step);
            update.apply(&mut x, &[1e3], [&mut m, &mut u, &mut []]);
            let change = before - x[0];
            assert!((change - 1e-3).abs() < 1e-6, "step {step}: {change}");
        }
        let update = AdamaxUpdate::new(Adamax::default(), Rates::default(), 10);
        update.apply(&mut x, &[f32::NAN], [&mut m, &mut u, &mut []]);
        assert!(x[0].is_nan());
    }

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let adamax = Adamax {
            beta2: -0.5,
            ..Default::default()
        };
        assert_eq!(
            adamax.check().unwrap_err().to_string(),
            "Adamax::beta2: expected a decay in [0, 1), got -0.5. The default is 0.999"
        );
    }
}
