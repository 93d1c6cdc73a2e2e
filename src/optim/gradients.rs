//! Gradients between the backward pass and the update: accumulation, clipping and noise.

use super::ranges::{check_not_negative, check_positive};
use crate::error::{Error, Result};
use crate::math::{Purpose, RNG_CALLS_PER_NORMAL, Real, Rng, sum_of_squares, widest};
use serde::{Deserialize, Serialize};

/// Added to the norm that a maximum is divided by, as PyTorch does.
const NORM_EPS: f64 = 1e-6;

/// Changes of the gradients before the optimizer's update, in this order: mean over several batches,
/// clipping by value, clipping by norm, noise. By default, there are none.
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// use candlebook::optim::Gradients;
/// let gradients = Gradients { clip_norm: Some(1.0), accumulate: 4, ..Default::default() };
/// let fit = Fit { gradients, ..Default::default() };
/// # assert_eq!(fit.gradients.noise, 0.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gradients {
    /// Maximum of the Euclidean norm of all gradients together; larger ones are scaled down (Pascanu,
    /// Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013). PyTorch:
    /// `clip_grad_norm_`. Defaults to none.
    pub clip_norm: Option<f64>,
    /// Maximum of the absolute value of each gradient; larger ones are cut off. PyTorch:
    /// `clip_grad_value_`. Defaults to none.
    pub clip_value: Option<f64>,
    /// Batches per step of the optimizer, which sees the mean gradient of their images, as of one
    /// large batch. The last step of an epoch takes the remaining batches. Layers that look at the
    /// whole batch still look at a single one. Defaults to 1.
    pub accumulate: usize,
    /// Standard deviation of the normal noise that is added to each gradient in the first step
    /// (Neelakantan and others, "Adding gradient noise improves learning for very deep networks",
    /// 2015). Defaults to 0.
    pub noise: f64,
    /// Decay of the noise: its variance after n steps is divided by (1 + n) to the power of this. Zero
    /// or more. Defaults to 0.55.
    pub noise_decay: f64,
}

impl Default for Gradients {
    fn default() -> Self {
        Gradients {
            clip_norm: None,
            clip_value: None,
            accumulate: 1,
            noise: 0.0,
            noise_decay: 0.55,
        }
    }
}

impl Gradients {
    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        let none = "None turns it off";
        let of = |limit: Option<f64>| limit.unwrap_or(1.0);
        for (name, limit) in [
            ("Gradients::clip_norm", self.clip_norm),
            ("Gradients::clip_value", self.clip_value),
        ] {
            if check_positive(name, of(limit), "").is_err() {
                return Err(Error::setting(name, "a positive number", of(limit), none));
            }
        }
        if self.accumulate == 0 {
            let (name, hint) = ("Gradients::accumulate", "1 takes a step after each batch");
            return Err(Error::setting(name, "at least 1 batch", 0, hint));
        }
        check_not_negative("Gradients::noise", self.noise, "0 turns it off")?;
        check_not_negative(
            "Gradients::noise_decay",
            self.noise_decay,
            "The default is 0.55",
        )
    }

    /// True if the optimizer sees the gradients of each batch as they are.
    pub(crate) fn unchanged(&self) -> bool {
        self.clip_norm.is_none()
            && self.clip_value.is_none()
            && self.accumulate == 1
            && self.noise == 0.0
    }

    /// Factor of gradients with this sum of squares.
    pub(crate) fn norm_factor(&self, sum_of_squares: f64) -> f64 {
        let factor = |limit: f64| limit / (sum_of_squares.sqrt() + NORM_EPS);
        // A NaN stays, so that training reports it.
        let scaled = self
            .clip_norm
            .map(factor)
            .filter(|f| f.is_nan() || *f < 1.0);
        scaled.unwrap_or(1.0)
    }

    /// Noise of a step, after `steps` others, of `n` parameters; none without noise.
    pub(crate) fn noise_of(&self, seed: u64, steps: i32, n: usize) -> Option<GradientNoise> {
        if self.noise == 0.0 {
            return None;
        }
        let calls = steps as u64 * n as u64 * RNG_CALLS_PER_NORMAL as u64;
        Some(GradientNoise {
            rng: Rng::new(seed, Purpose::Gradient).skipped(calls),
            deviation: self.noise / (1.0 + f64::from(steps)).powf(self.noise_decay / 2.0),
        })
    }
}

/// Noise of one step.
#[derive(Clone, Debug)]
pub(crate) struct GradientNoise {
    rng: Rng,
    deviation: f64,
}

impl GradientNoise {
    /// Adds the noise of the parameters from position `start`.
    pub(crate) fn add_to<T: Real>(&self, start: usize, gradients: &mut [T]) {
        let mut rng = self.rng.skipped((start * RNG_CALLS_PER_NORMAL) as u64);
        rng.add_normal(gradients, self.deviation as f32);
    }
}

/// Cuts off gradients at a limit, if there is one, and returns the sum of their squares.
pub(crate) fn clip<T: Real>(gradients: &mut [T], limit: Option<f64>) -> f64 {
    if let Some(limit) = limit.map(T::of) {
        widest!(|| {
            for g in gradients.iter_mut() {
                // NaN is neither.
                let cut = if *g > limit { limit } else { *g };
                *g = if cut < -limit { -limit } else { cut };
            }
        });
    }
    sum_of_squares(gradients).into()
}

/// Multiplies gradients by a factor.
pub(crate) fn scale<T: Real>(gradients: &mut [T], factor: f64) {
    let factor = T::of(factor);
    widest!(|| gradients.iter_mut().for_each(|g| *g *= factor));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_gradients_are_not_scaled_and_nan_is_not_hidden() {
        let gradients = Gradients {
            clip_norm: Some(2.0),
            ..Default::default()
        };
        assert_eq!(gradients.norm_factor(1.0), 1.0);
        assert!((gradients.norm_factor(16.0) - 0.5).abs() < 1e-6);
        assert!(gradients.norm_factor(f64::NAN).is_nan());
        assert_eq!(Gradients::default().norm_factor(16.0), 1.0);
    }

    #[test]
    fn values_are_cut_off_at_the_limit() {
        let mut values = [-3.0f32, -0.5, 0.25, 7.0];
        assert_eq!(clip(&mut values, None), 9.0 + 0.25 + 0.0625 + 49.0);
        assert_eq!(clip(&mut values, Some(0.5)), 0.25 + 0.25 + 0.0625 + 0.25);
        assert_eq!(values, [-0.5, -0.5, 0.25, 0.5]);
        let mut values = [f32::NAN];
        assert!(clip(&mut values, Some(0.5)).is_nan() && values[0].is_nan());
    }

    #[test]
    fn noise_depends_on_seed_step_and_position_alone() {
        let gradients = Gradients {
            noise: 0.5,
            ..Default::default()
        };
        let noise = |steps, start, n| {
            let mut values = vec![0f32; n];
            gradients
                .noise_of(3, steps, 10_000)
                .unwrap()
                .add_to(start, &mut values);
            values
        };
        let whole = noise(0, 0, 10_000);
        assert_eq!(noise(0, 100, 50), whole[100..150]);
        assert_ne!(noise(1, 0, 50), whole[..50]);
        let deviation = |values: &[f32]| {
            let sum: f32 = values.iter().map(|v| v * v).sum();
            (sum / values.len() as f32).sqrt()
        };
        assert!((deviation(&whole) - 0.5).abs() < 0.02);
        // 0.5 / sqrt(100^0.55) = 0.1409
        assert!((deviation(&noise(99, 0, 10_000)) - 0.1409).abs() < 0.006);
        assert!(Gradients::default().noise_of(3, 0, 10).is_none());
    }

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let error = |gradients: Gradients| gradients.check().unwrap_err().to_string();
        let none = Gradients::default();
        assert_eq!(
            error(Gradients {
                clip_norm: Some(0.0),
                ..none
            }),
            "Gradients::clip_norm: expected a positive number, got 0. None turns it off"
        );
        assert_eq!(
            error(Gradients {
                accumulate: 0,
                ..none
            }),
            "Gradients::accumulate: expected at least 1 batch, got 0. 1 takes a step after each batch"
        );
        assert_eq!(
            error(Gradients {
                noise: -1.0,
                ..none
            }),
            "Gradients::noise: expected zero or more, got -1. 0 turns it off"
        );
    }
}
