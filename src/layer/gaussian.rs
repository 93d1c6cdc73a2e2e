//! The code layer of a variational autoencoder: a normal distribution for each code unit.
//!
//! The input holds means m and log variances v, or numbers s of which v = 2 ln(softplus(s)). Training
//! draws z = m + exp(v / 2) e with e from N(0, 1), and adds the divergence from N(0, 1),
//! KL = (m² + exp(v) - 1 - v) / 2 for each unit, to the loss. Evaluation gives m. With
//! `sampled_divergence`, the KL term is estimated from the sample: (z² - e² - v) / 2.
//!
//! Kingma and Welling, "Auto-encoding variational Bayes", 2013. Weight beta: Higgins and others,
//! "beta-VAE", 2017. Free bits: Kingma and others, "Improved variational inference with inverse
//! autoregressive flow", 2016. Warm-up: Bowman and others, "Generating sentences from a continuous
//! space", 2015. Total correlation: Chen and others, "Isolating sources of disentanglement in variational
//! autoencoders", 2018.

use crate::error::Result;
use crate::layer::gaussian_op::GaussianOp;
use crate::layer::gaussian_settings::GaussianSettings;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::term::{Term, TermValue};
use crate::layer::total_correlation::total_correlation;
use crate::layer::variable::LayerVars;
use crate::math::{Purpose, RNG_CALLS_PER_NORMAL, Rng};
use candle_core::{D, Tensor};
use std::sync::Arc;

impl LayerKind for GaussianSettings {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        let outside = |value: f64| !(0.0..=1e6).contains(&value);
        if outside(self.beta) {
            return reject("a beta in [0, 1000000]", self.beta, "1 is that of a VAE");
        }
        if outside(self.free_bits) {
            let hint = "0 turns it off; 0.1 nats for each unit is common";
            return reject("free bits in [0, 1000000]", self.free_bits, hint);
        }
        if self.sampled_divergence && self.free_bits > 0.0 {
            let hint = "Free bits bound the mean divergence. Remove one of the two settings";
            let got = format!("free bits of {}", self.free_bits);
            return reject("no free bits with a sampled divergence", got, hint);
        }
        if outside(self.total_correlation) {
            let hint = "5 is common; 0 turns it off";
            let got = self.total_correlation;
            return reject("a total correlation in [0, 1000000]", got, hint);
        }
        match *input {
            [n] if n > 0 && n % 2 == 0 => Ok(vec![n / 2]),
            [n] => reject(
                "an even number of values, a mean and a log variance for each unit",
                n,
                format!("Put Linear({}) before it for a code of {}", 2 * n, n),
            ),
            _ => reject(
                "flat features",
                shape(input),
                "Put Flatten and a Linear with two outputs for each unit before it",
            ),
        }
    }

    fn rng_calls(&self, input: &[usize]) -> usize {
        RNG_CALLS_PER_NORMAL * input[0] / 2
    }

    fn term(&self) -> Option<Term> {
        Some(self.own_term())
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let [means, log_variances] = self.deviation.moments(xs)?;
        let training = context.rng.is_some();
        let step = training.then_some(context.state.step);
        let (samples, noise) = match &mut context.rng {
            Some(rng) => sample(&means, &log_variances, rng)?,
            // Evaluation correlates the same samples each time.
            None if self.is_correlated() => {
                sample(&means, &log_variances, &mut Rng::new(0, Purpose::Noise))?
            }
            None => (means.clone(), means.zeros_like()?),
        };
        let squares = if self.sampled_divergence && training {
            (samples.sqr()? - noise.sqr()?)?
        } else {
            ((means.sqr()? + log_variances.exp()?)? - 1.0)?
        };
        let divergences = (squares - &log_variances)?.affine(0.5, 0.0)?;
        let divergences = if self.free_bits > 0.0 {
            divergences.maximum(self.free_bits)?
        } else {
            divergences
        };
        // (b, units) -> (b) -> ()
        let mut mean = (divergences.sum(D::Minus1)?.mean_all()? * self.beta_at(step))?;
        if self.is_correlated() {
            let correlation = total_correlation(&samples, &means, &log_variances)?;
            mean = (mean + (correlation * (self.total_correlation * self.warmth(step)))?)?;
        }
        let term = self.own_term();
        context.state.terms.push(TermValue { term, mean });
        let code = if training { samples } else { means };
        Ok(code.to_dtype(xs.dtype())?)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        if self.is_correlated() {
            return Lowered::WholeBatch;
        }
        Lowered::CpuOp(Arc::new(GaussianOp {
            settings: *self,
            rng_calls: RNG_CALLS_PER_NORMAL * shapes.after[0],
        }))
    }
}

/// Draws from normal distributions: the samples, and the numbers from N(0, 1) that they are made of.
fn sample(means: &Tensor, log_variances: &Tensor, rng: &mut Rng) -> Result<(Tensor, Tensor)> {
    let noise = rng.normal(means.elem_count(), 1.0);
    let noise = Tensor::from_vec(noise, means.shape(), means.device())?.to_dtype(means.dtype())?;
    let samples = (means + ((log_variances * 0.5)?.exp()? * &noise)?)?;
    Ok((samples, noise))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use candle_core::Device;

    #[test]
    fn odd_widths_and_images_are_rejected() {
        let gaussian = GaussianSettings::new(1.0);
        assert_eq!(gaussian.output_shape(&[40]), Ok(vec![20]));
        let error = gaussian.output_shape(&[7]).unwrap_err();
        assert_eq!(error.hint, "Put Linear(14) before it for a code of 7");
        assert!(gaussian.output_shape(&[4, 7, 7]).is_err());
        assert!(GaussianSettings::new(f64::NAN).output_shape(&[2]).is_err());
    }

    /// PyTorch: `(Normal(m, d).log_prob(z) - Normal(0., 1.).log_prob(z)).sum(1).mean()`.
    #[test]
    fn the_sampled_divergence_is_the_difference_of_the_log_densities() {
        let settings = GaussianSettings {
            sampled_divergence: true,
            ..GaussianSettings::new(1.0)
        };
        let xs = Tensor::new(&[[0.5f64, -1.0, -1.2, 0.4]], &Device::Cpu).unwrap();
        let mut state = ForwardState::default();
        let mut context = ForwardContext {
            rng: Some(&mut Rng::new(1, Purpose::Noise)),
            state: &mut state,
        };
        let code = settings.candle_forward(&xs, LayerVars::default(), &mut context);
        let z = code.unwrap().to_vec2::<f64>().unwrap().remove(0);
        // ln N(z; m, d) without the constant that both densities have.
        let log_density = |z: f64, m: f64, d: f64| -0.5 * ((z - m) / d).powi(2) - d.ln();
        let [d0, d1] = [-1.2f64, 0.4].map(|v| (0.5 * v).exp());
        let of_code = log_density(z[0], 0.5, d0) + log_density(z[1], -1.0, d1);
        let of_prior = log_density(z[0], 0.0, 1.0) + log_density(z[1], 0.0, 1.0);
        let term = state.terms[0].mean.to_scalar::<f64>().unwrap();
        assert!((term - (of_code - of_prior)).abs() < 1e-6, "{term}");
    }

    #[test]
    fn free_bits_of_a_sampled_divergence_are_rejected() {
        let sampled = GaussianSettings {
            sampled_divergence: true,
            ..GaussianSettings::new(1.0)
        };
        assert!(sampled.output_shape(&[2]).is_ok());
        let free_bits = GaussianSettings {
            free_bits: 0.1,
            ..sampled
        };
        let error = free_bits.output_shape(&[2]).unwrap_err();
        assert_eq!(error.expected, "no free bits with a sampled divergence");
    }
}
