//! The code layer of a variational autoencoder: a normal distribution for each code unit.
//!
//! The input holds means m and log variances v, or numbers s of which v = 2 ln(softplus(s)). Training
//! draws z = m + exp(v / 2) e with e from N(0, 1), and adds the divergence from N(0, 1),
//! KL = (m² + exp(v) - 1 - v) / 2 for each unit, to the loss. Evaluation gives m.
//!
//! Kingma and Welling, "Auto-encoding variational Bayes", 2013. Weight beta: Higgins and others,
//! "beta-VAE", 2017. Free bits: Kingma and others, "Improved variational inference with inverse
//! autoregressive flow", 2016. Warm-up: Bowman and others, "Generating sentences from a continuous
//! space", 2015. Total correlation: Chen and others, "Isolating sources of disentanglement in variational
//! autoencoders", 2018.

use crate::error::Result;
use crate::layer::cpu::{
    Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, OpTraining, Workspace,
};
use crate::layer::deviation::Deviation;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::term::{Term, TermUnit, TermValue};
use crate::layer::total_correlation::total_correlation;
use crate::layer::variable::LayerVars;
use crate::math::{Purpose, RNG_CALLS_PER_NORMAL, Real, Rng, widest};
use candle_core::{D, Tensor};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Settings of a [`Gaussian`](crate::layer::Gaussian()) layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GaussianSettings {
    /// Factor of the divergence.
    pub(crate) beta: f64,
    /// Divergence of a unit, in nats, below which it costs the same.
    pub(crate) free_bits: f64,
    /// Steps in which the factor grows from 0 to beta.
    pub(crate) warm_up: usize,
    /// Factor of the total correlation of the code.
    #[serde(default)]
    pub(crate) total_correlation: f64,
    /// Meaning of the second half of the input.
    #[serde(default)]
    pub(crate) deviation: Deviation,
}

impl GaussianSettings {
    pub(crate) const fn new(beta: f64) -> Self {
        GaussianSettings {
            beta,
            free_bits: 0.0,
            warm_up: 0,
            total_correlation: 0.0,
            deviation: Deviation::LogVariance,
        }
    }

    /// The settings as written in code, after the name of the layer.
    pub(crate) fn call(&self) -> String {
        let mut call = format!("({:?})", self.beta);
        if self.free_bits != 0.0 {
            call.push_str(&format!(".free_bits({:?})", self.free_bits));
        }
        if self.warm_up != 0 {
            call.push_str(&format!(".warm_up({})", self.warm_up));
        }
        if self.total_correlation != 0.0 {
            call.push_str(&format!(".total_correlation({:?})", self.total_correlation));
        }
        if self.deviation == Deviation::Softplus {
            call.push_str(".softplus_deviation()");
        }
        call
    }

    /// Factor of the divergence after this number of steps; `None` in evaluation.
    fn beta_at(&self, step: Option<usize>) -> f64 {
        self.beta * self.warmth(step)
    }

    /// Share of the factors after this number of steps.
    fn warmth(&self, step: Option<usize>) -> f64 {
        match step {
            Some(step) if step < self.warm_up => step as f64 / self.warm_up as f64,
            _ => 1.0,
        }
    }

    /// The term with the total correlation looks at the whole batch.
    fn is_correlated(&self) -> bool {
        self.total_correlation > 0.0
    }

    fn own_term(&self) -> Term {
        if self.is_correlated() {
            CORRELATED_TERM
        } else {
            TERM
        }
    }
}

const TERM: Term = Term {
    name: "KL",
    unit: TermUnit::Image,
};

const CORRELATED_TERM: Term = Term {
    name: "KL + TC",
    unit: TermUnit::Image,
};

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
        let step = context.rng.is_some().then_some(context.state.step);
        let squares = (means.sqr()? + log_variances.exp()?)?;
        let divergences = ((squares - &log_variances)? - 1.0)?.affine(0.5, 0.0)?;
        let divergences = if self.free_bits > 0.0 {
            divergences.maximum(self.free_bits)?
        } else {
            divergences
        };
        // (b, units) -> (b) -> ()
        let mut mean = (divergences.sum(D::Minus1)?.mean_all()? * self.beta_at(step))?;
        let training = context.rng.is_some();
        let samples = match &mut context.rng {
            Some(rng) => sample(&means, &log_variances, rng)?,
            // Evaluation correlates the same samples each time.
            None if self.is_correlated() => {
                sample(&means, &log_variances, &mut Rng::new(0, Purpose::Noise))?
            }
            None => means.clone(),
        };
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

/// Draws from normal distributions.
fn sample(means: &Tensor, log_variances: &Tensor, rng: &mut Rng) -> Result<Tensor> {
    let noise = rng.normal(means.elem_count(), 1.0);
    let noise = Tensor::from_vec(noise, means.shape(), means.device())?.to_dtype(means.dtype())?;
    Ok((means + (log_variances * 0.5)?.exp()? * noise)?)
}

/// CPU op of a [`Gaussian`](crate::layer::Gaussian()) layer.
#[derive(Debug)]
struct GaussianOp {
    settings: GaussianSettings,
    rng_calls: usize,
}

impl CpuOp for GaussianOp {
    fn flops(&self) -> Option<usize> {
        // Two exponential functions and two random numbers for each unit.
        Some(50 * self.rng_calls)
    }

    fn rng_calls(&self) -> usize {
        self.rng_calls
    }

    fn term(&self) -> Option<Term> {
        Some(TERM)
    }
}

impl<T: Real> Arithmetic<T> for GaussianOp {
    fn workspace(&self, shape: OpShape, training: bool) -> Workspace<T> {
        let mut workspace = Workspace::default();
        if training {
            workspace.scratch[0] = vec![T::ZERO; shape.rows * shape.outputs];
        }
        workspace
    }

    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let units = shape.outputs;
        let workspace = &mut workspaces[shape.stage];
        let Some(OpTraining { rng, step }) = args.training else {
            for (x, y) in x.chunks_exact(2 * units).zip(y.chunks_exact_mut(units)) {
                y.copy_from_slice(&x[..units]);
            }
            return;
        };
        // Deviations from the means, for the backward pass.
        let noise = &mut workspace.scratch[0][..y.len()];
        noise.fill(T::ZERO);
        rng.clone().add_normal(noise, 1.0);
        let free_bits = T::of(self.settings.free_bits);
        let deviation = self.settings.deviation;
        let mut sum = 0.0;
        for ((x, y), noise) in rows(x, units)
            .zip(y.chunks_exact_mut(units))
            .zip(noise.chunks_exact_mut(units))
        {
            let mut row = T::ZERO;
            widest!(|| {
                for (((&m, &s), y), noise) in x.0.iter().zip(x.1).zip(y).zip(noise) {
                    let (v, _) = deviation.log_variance(s);
                    *noise *= (T::of(0.5) * v).exp();
                    *y = m + *noise;
                    let divergence = divergence(m, v);
                    row += if divergence < free_bits {
                        free_bits
                    } else {
                        divergence
                    };
                }
            });
            sum += row.into();
        }
        workspace.term = sum * self.settings.beta_at(Some(*step));
    }

    /// dm = dz + scale m, dv = dz e exp(v / 2) / 2 + scale (exp(v) - 1) / 2, ds = dv v'(s)
    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        let Some(dx) = args.dx else { return };
        let units = shape.outputs;
        let noise = &workspaces[shape.stage].scratch[0];
        let scale = args.term_scale * T::of(self.settings.beta_at(Some(args.step)));
        let (free_bits, half) = (T::of(self.settings.free_bits), T::of(0.5));
        let deviation = self.settings.deviation;
        let rows = rows(args.x, units)
            .zip(dx.chunks_exact_mut(2 * units))
            .zip(args.dy.chunks_exact(units))
            .zip(noise.chunks_exact(units));
        for (((x, dx), dy), noise) in rows {
            let (dm, ds) = dx.split_at_mut(units);
            widest!(|| {
                let inputs = x.0.iter().zip(x.1).zip(dy).zip(noise);
                for ((((&m, &s), &dy), &noise), (dm, ds)) in inputs.zip(dm.iter_mut().zip(ds)) {
                    let (v, slope) = deviation.log_variance(s);
                    // Below the free bits, the divergence costs the same everywhere.
                    let scale = if divergence(m, v) < free_bits {
                        T::ZERO
                    } else {
                        scale
                    };
                    *dm = dy + scale * m;
                    *ds = slope * half * (dy * noise + scale * (v.exp() - T::ONE));
                }
            });
        }
    }
}

/// Means, and log variances or what they are computed from, of each image.
fn rows<T>(x: &[T], units: usize) -> impl Iterator<Item = (&[T], &[T])> {
    x.chunks_exact(2 * units)
        .map(move |row| row.split_at(units))
}

/// KL divergence from N(0, 1) of a normal distribution.
#[inline(always)]
fn divergence<T: Real>(mean: T, log_variance: T) -> T {
    T::of(0.5) * (mean * mean + log_variance.exp() - T::ONE - log_variance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_divergence_matches_pytorch() {
        // import torch; from torch.distributions import Normal, kl_divergence as kl
        // kl(Normal(0.5, torch.tensor(-1.2).mul(0.5).exp()), Normal(0., 1.)) -> 0.3755971
        assert!((divergence(0.5f64, -1.2) - 0.375_597_1).abs() < 1e-7);
        assert_eq!(divergence(0.0f64, 0.0), 0.0);
    }

    #[test]
    fn the_factor_grows_during_warm_up() {
        let settings = GaussianSettings {
            warm_up: 10,
            ..GaussianSettings::new(4.0)
        };
        let at = |step| settings.beta_at(step);
        assert_eq!(
            [at(Some(0)), at(Some(5)), at(Some(10)), at(None)],
            [0.0, 2.0, 4.0, 4.0]
        );
    }

    #[test]
    fn odd_widths_and_images_are_rejected() {
        let gaussian = GaussianSettings::new(1.0);
        assert_eq!(gaussian.output_shape(&[40]), Ok(vec![20]));
        let error = gaussian.output_shape(&[7]).unwrap_err();
        assert_eq!(error.hint, "Put Linear(14) before it for a code of 7");
        assert!(gaussian.output_shape(&[4, 7, 7]).is_err());
        assert!(GaussianSettings::new(f64::NAN).output_shape(&[2]).is_err());
    }
}
