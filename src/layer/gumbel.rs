//! A code of classes: groups of one-hot values, which training relaxes (Gumbel-softmax).
//!
//! The input holds the logits x of a distribution q = softmax(x) over the classes for each group. Training
//! gives y = softmax((x + g) / t) with g from the Gumbel distribution and a temperature t, and adds the
//! divergence from the uniform distribution, KL = ln classes + Σ q ln q for each group, to the loss.
//! Evaluation gives 1 for the largest logit of each group and 0 for the others.
//!
//! Jang, Gu and Poole, "Categorical reparameterization with Gumbel-softmax", 2016; Maddison, Mnih and
//! Teh, "The concrete distribution", 2016. Straight-through: Bengio and others, "Estimating or
//! propagating gradients through stochastic neurons", 2013.

use crate::error::Result;
use crate::layer::cpu::{
    Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, OpTraining, Workspace,
};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{LayerError, ShapeResult, reject, shape};
use crate::layer::term::{Term, TermUnit, TermValue, full_precision};
use crate::layer::variable::LayerVars;
use crate::math::{Interval, Real, widest};
use candle_core::{D, DType, Tensor};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Settings of a [`Gumbel`](crate::layer::Gumbel()) layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GumbelSettings {
    pub(crate) groups: usize,
    /// Classes of a group.
    pub(crate) classes: usize,
    /// Factor of the divergence.
    pub(crate) beta: f64,
    /// Temperature of the first step.
    pub(crate) temperature: f64,
    pub(crate) annealing: Option<Annealing>,
    /// Pass one-hot samples on, with the gradient of the relaxed ones.
    pub(crate) straight_through: bool,
}

/// Fall of a temperature by exp(-rate step).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Annealing {
    pub(crate) rate: f64,
    /// Lowest temperature.
    pub(crate) min: f64,
}

/// Colder samples have no gradient in `f32`, warmer ones nothing of their class.
const TEMPERATURES: std::ops::RangeInclusive<f64> = 1e-3..=1e3;

const TERM: Term = Term {
    name: "KL",
    unit: TermUnit::Image,
};

impl GumbelSettings {
    pub(crate) const fn new(groups: usize, classes: usize) -> Self {
        GumbelSettings {
            groups,
            classes,
            beta: 1.0,
            temperature: 1.0,
            annealing: None,
            straight_through: false,
        }
    }

    /// The settings as written in code, after the name of the layer.
    pub(crate) fn call(&self) -> String {
        let mut call = format!("({}, {})", self.groups, self.classes);
        if self.beta != 1.0 {
            call.push_str(&format!(".beta({:?})", self.beta));
        }
        if self.temperature != 1.0 {
            call.push_str(&format!(".temperature({:?})", self.temperature));
        }
        if let Some(Annealing { rate, min }) = self.annealing {
            call.push_str(&format!(".anneal({rate:?}, {min:?})"));
        }
        if self.straight_through {
            call.push_str(".straight_through()");
        }
        call
    }

    /// Temperature after this number of steps.
    fn temperature_at(&self, step: usize) -> f64 {
        self.annealing.map_or(self.temperature, |annealing| {
            let falling = self.temperature * (-annealing.rate * step as f64).exp();
            falling.max(annealing.min)
        })
    }

    fn check(&self) -> std::result::Result<(), LayerError> {
        if self.groups == 0 || self.classes < 2 {
            let got = format!("{} groups of {} classes", self.groups, self.classes);
            let hint = "Gumbel(30, 10) has 30 groups of 10 classes";
            return reject("at least 1 group of at least 2 classes", got, hint);
        }
        if !(0.0..=1e6).contains(&self.beta) {
            let hint = "1 is that of the evidence lower bound";
            return reject("a beta in [0, 1000000]", self.beta, hint);
        }
        if !TEMPERATURES.contains(&self.temperature) {
            let hint = "1 is a good start";
            return reject("a temperature in [0.001, 1000]", self.temperature, hint);
        }
        let Some(Annealing { rate, min }) = self.annealing else {
            return Ok(());
        };
        if !(0.0..=1e6).contains(&rate) {
            let hint = "3e-5 halves the temperature in 23,000 steps";
            return reject("a rate of annealing of 0 or more a step", rate, hint);
        }
        if !TEMPERATURES.contains(&min) || min > self.temperature {
            let expected = format!("a lowest temperature in [0.001, {}]", self.temperature);
            return reject(expected, min, "0.5 is common");
        }
        Ok(())
    }
}

impl LayerKind for GumbelSettings {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        self.check()?;
        let GumbelSettings {
            groups, classes, ..
        } = *self;
        let values = groups.saturating_mul(classes);
        match *input {
            [n] if n == values => Ok(vec![n]),
            [n] => reject(
                format!("{values} values, a logit for each of {groups} x {classes} classes"),
                n,
                format!("Put Linear({values}) before it"),
            ),
            _ => reject(
                "flat features",
                shape(input),
                format!("Put Flatten and Linear({values}) before it"),
            ),
        }
    }

    fn output_range(&self, _input: Interval) -> Interval {
        Interval::UNIT
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        // (b, groups * classes) -> (b, groups, classes)
        let logits = xs.reshape(((), self.groups, self.classes))?;
        let log_q = candle_nn::ops::log_softmax(&full_precision(&logits)?, D::Minus1)?;
        // (b, groups, classes) -> (b, groups) -> ()
        let negative_entropy = (log_q.exp()? * log_q)?.sum(D::Minus1)?.mean_all()?;
        let divergence = (negative_entropy + (self.classes as f64).ln())?;
        let mean = (divergence * (self.groups as f64 * self.beta))?;
        context.state.terms.push(TermValue { term: TERM, mean });
        let Some(rng) = &mut context.rng else {
            return one_hot_tensor(xs, self.classes);
        };
        let noise = Tensor::from_vec(rng.gumbel(xs.elem_count()), logits.shape(), xs.device())?;
        let logits = (logits + noise.to_dtype(xs.dtype())?)?;
        let logits = (logits / self.temperature_at(context.state.step))?;
        let samples = candle_nn::ops::softmax(&logits, D::Minus1)?.reshape(xs.shape())?;
        if !self.straight_through {
            return Ok(samples);
        }
        // Exactly one-hot values, with the gradient of the samples.
        let zeros = (&samples - samples.detach())?;
        Ok((one_hot_tensor(&samples, self.classes)? + zeros)?)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(GumbelOp(*self)))
    }
}

/// CPU op of a [`Gumbel`](crate::layer::Gumbel()) layer.
#[derive(Debug)]
struct GumbelOp(GumbelSettings);

impl CpuOp for GumbelOp {
    fn flops(&self) -> Option<usize> {
        // Four exponential functions, two logarithms and a random number for each value.
        Some(100 * self.rng_calls())
    }

    fn rng_calls(&self) -> usize {
        self.0.groups * self.0.classes
    }

    fn term(&self) -> Option<Term> {
        Some(TERM)
    }
}

impl<T: Real> Arithmetic<T> for GumbelOp {
    /// The relaxed samples and ln q, for the backward pass.
    fn workspace(&self, shape: OpShape, training: bool) -> Workspace<T> {
        let n = if training {
            shape.rows * shape.outputs
        } else {
            0
        };
        Workspace::with_scratch([n, n])
    }

    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let settings = self.0;
        let classes = settings.classes;
        let Some(OpTraining { rng, step }) = args.training else {
            y.copy_from_slice(x);
            one_hot(y, classes);
            return;
        };
        let Workspace { scratch, term, .. } = &mut workspaces[shape.stage];
        let [samples, log_q, ..] = scratch;
        let (samples, log_q) = (&mut samples[..x.len()], &mut log_q[..x.len()]);
        log_q.copy_from_slice(x);
        log_softmax(log_q, classes);
        rng.clone().fill_gumbel(samples);
        let factor = T::of(1.0 / settings.temperature_at(*step));
        relaxed_samples(x, factor, samples, classes);
        y.copy_from_slice(samples);
        if settings.straight_through {
            one_hot(y, classes);
        }
        let groups = (shape.rows * settings.groups) as f64;
        let divergence = negative_entropy(log_q, classes) + groups * (classes as f64).ln();
        *term = settings.beta * divergence;
    }

    /// dx = y (dy - Σ dy y) / t + scale q (ln q - Σ q ln q)
    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        let Some(dx) = args.dx else { return };
        let [samples, log_q, ..] = &workspaces[shape.stage].scratch;
        let factor = T::of(1.0 / self.0.temperature_at(args.step));
        let scale = args.term_scale * T::of(self.0.beta);
        let classes = self.0.classes;
        let groups = dx
            .chunks_exact_mut(classes)
            .zip(args.dy.chunks_exact(classes))
            .zip(samples.chunks_exact(classes))
            .zip(log_q.chunks_exact(classes));
        widest!(|| {
            for (((dx, dy), y), log_q) in groups {
                let mean_dy: T = dy.iter().zip(y).map(|(&dy, &y)| dy * y).sum();
                let mean_log: T = log_q.iter().map(|log_q| log_q.exp() * *log_q).sum();
                for (((dx, &dy), &y), &log_q) in dx.iter_mut().zip(dy).zip(y).zip(log_q) {
                    let of_term = log_q.exp() * (log_q - mean_log);
                    *dx = factor * y * (dy - mean_dy) + scale * of_term;
                }
            }
        });
    }
}

/// Turns Gumbel noise into relaxed samples, softmax(factor (x + noise)) for each group.
fn relaxed_samples<T: Real>(x: &[T], factor: T, noise: &mut [T], classes: usize) {
    widest!(|| {
        let pairs = noise.iter_mut().zip(x);
        pairs.for_each(|(noise, x)| *noise = (*noise + *x) * factor);
    });
    log_softmax(noise, classes);
    widest!(|| noise.iter_mut().for_each(|value| *value = value.exp()));
}

/// Replaces the logits of each group by the logarithms of their softmax.
fn log_softmax<T: Real>(logits: &mut [T], classes: usize) {
    widest!(|| {
        for group in logits.chunks_exact_mut(classes) {
            let max = group[1..].iter().fold(
                group[0],
                |max, &value| if value > max { value } else { max },
            );
            group.iter_mut().for_each(|value| *value -= max);
            let sum: T = group.iter().map(|value| value.exp()).sum();
            let log_sum = sum.ln();
            group.iter_mut().for_each(|value| *value -= log_sum);
        }
    });
}

/// Σ q ln q over all groups.
fn negative_entropy<T: Real>(log_q: &[T], classes: usize) -> f64 {
    let groups = log_q.chunks_exact(classes);
    widest!(|| {
        groups
            .map(|group| {
                let sum: T = group.iter().map(|log_q| log_q.exp() * *log_q).sum();
                sum.into()
            })
            .sum()
    })
}

/// Replaces the largest value of each group by 1, the first of equal ones, and the others by 0.
/// A group with NaN stays visible.
fn one_hot<T: Real>(values: &mut [T], classes: usize) {
    for group in values.chunks_exact_mut(classes) {
        if group.iter().any(|value| value.is_nan()) {
            group.fill(T::of(f64::NAN));
            continue;
        }
        let best = (1..classes).fold(0, |best, i| if group[i] > group[best] { i } else { best });
        group.fill(T::ZERO);
        group[best] = T::ONE;
    }
}

/// One-hot values of each group, without a gradient.
///
/// # Shapes
/// (b, groups * classes) -> (b, groups * classes)
pub(crate) fn one_hot_tensor(xs: &Tensor, classes: usize) -> Result<Tensor> {
    // On the host, by the comparison of the CPU op.
    let flat = xs.detach().to_dtype(DType::F32)?.flatten_all()?;
    let mut values = flat.to_vec1::<f32>()?;
    one_hot(&mut values, classes);
    let values = Tensor::from_vec(values, xs.shape(), xs.device())?;
    Ok(values.to_dtype(xs.dtype())?)
}

#[cfg(test)]
mod tests;
