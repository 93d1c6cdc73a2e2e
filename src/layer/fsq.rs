//! A code of rounded values, without a codebook to learn: finite scalar quantization.
//!
//! Each value is bounded, b = tanh(x + s) h - o with h = 0.999 (levels - 1) / 2, rounded to one of its
//! levels, and divided by levels / 2, rounded down, so that it is in [-1, 1]. An even number of levels
//! has o = 1/2, else 0, and s = tan(o / h). The gradient is that of b: straight through the rounding.
//!
//! A term of the loss keeps x in the range of all levels; else all codes drift to where tanh is flat.
//!
//! Mentzer and others, "Finite scalar quantization: VQ-VAE made simple", 2023, appendix A.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::level_bound::LevelBound;
use crate::layer::term::{Term, TermUnit, TermValue, full_precision};
use crate::layer::variable::LayerVars;
use crate::math::{Interval, Real, widest};
use candle_core::Tensor;
use std::sync::Arc;

/// Numbers of levels that a value may have; `f32` does not tell apart more.
const LEVELS: std::ops::RangeInclusive<usize> = 2..=65_536;

/// Weight of the mean squared distance of the values from their range.
const WEIGHT: f64 = 0.25;

const TERM: Term = Term {
    name: "range",
    unit: TermUnit::Value,
};

/// Rounds each value, or each channel of images, to this number of levels.
pub(crate) struct Fsq(pub(crate) Vec<usize>);

impl Fsq {
    fn bounds(&self) -> impl Iterator<Item = LevelBound> {
        self.0.iter().map(|&levels| LevelBound::new(levels))
    }
}

impl LayerKind for Fsq {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if let Some(&levels) = self.0.iter().find(|levels| !LEVELS.contains(levels)) {
            let hint = "Fsq(vec![8, 5, 5, 5]) has 1,000 codes";
            return reject("2 to 65536 levels for each value", levels, hint);
        }
        let values = self.0.len();
        if values == 0 {
            let hint = "Fsq(vec![8, 5, 5, 5]) is for a code of 4 values";
            return reject("a number of levels for each value", "none", hint);
        }
        match *input {
            [n] if n == values => Ok(input.to_vec()),
            [c, _, _] if c == values => Ok(input.to_vec()),
            _ => reject(
                format!("{values} values or channels, as there are numbers of levels"),
                shape(input),
                format!("Put Linear({values}) or Conv2d({values}, 1) before it"),
            ),
        }
    }

    fn output_range(&self, _input: Interval) -> Interval {
        Interval::new(-1.0, 1.0)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        // A number for each channel, for broadcasting: (1, c) or (1, c, 1, 1).
        let mut shape = vec![1; xs.rank()];
        shape[1] = self.0.len();
        let numbers = |of: fn(LevelBound) -> f64| -> Result<Tensor> {
            let numbers: Vec<f64> = self.bounds().map(of).collect();
            let numbers = Tensor::from_vec(numbers, shape.as_slice(), xs.device())?;
            Ok(numbers.to_dtype(xs.dtype())?)
        };
        let shifted = xs.broadcast_add(&numbers(|bound| bound.shift)?)?;
        let beyond = shifted
            .abs()?
            .broadcast_sub(&numbers(|bound| bound.limit)?)?;
        let beyond = full_precision(&beyond)?.relu()?;
        let mean = (beyond.sqr()?.mean_all()? * WEIGHT)?;
        context.state.terms.push(TermValue { term: TERM, mean });
        let bounded = shifted
            .tanh()?
            .broadcast_mul(&numbers(|bound| bound.height)?)?
            .broadcast_sub(&numbers(|bound| bound.offset)?)?;
        // Exactly the rounded values, with the gradient of the bounded ones.
        let zeros = (&bounded - bounded.detach())?;
        let rounded = (bounded.detach().round()? + zeros)?;
        Ok(rounded.broadcast_div(&numbers(|bound| bound.width)?)?)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(FsqOp {
            bounds: self.bounds().collect(),
            pixels: shapes.before[1..].iter().product(),
        }))
    }
}

/// CPU op of [`Fsq`].
#[derive(Debug)]
struct FsqOp {
    /// One for each channel.
    bounds: Vec<LevelBound>,
    /// Values of a channel; 1 for features.
    pixels: usize,
}

impl CpuOp for FsqOp {
    fn term(&self) -> Option<Term> {
        Some(TERM)
    }
}

impl<T: Real> Arithmetic<T> for FsqOp {
    /// The hyperbolic tangents, for the backward pass.
    fn workspace(&self, shape: OpShape, _training: bool) -> Workspace<T> {
        Workspace::with_scratch([shape.rows * shape.outputs])
    }

    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        _args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let workspace = &mut workspaces[shape.stage];
        let tanhs = &mut workspace.scratch[0];
        let mut beyond_sum = 0.0;
        let channels = x
            .chunks_exact(self.pixels)
            .zip(y.chunks_exact_mut(self.pixels))
            .zip(tanhs.chunks_exact_mut(self.pixels))
            .zip(self.bounds.iter().cycle());
        widest!(|| {
            for (((x, y), tanhs), bound) in channels {
                let (shift, height) = (T::of(bound.shift), T::of(bound.height));
                let (offset, width) = (T::of(bound.offset), T::of(bound.width));
                for ((x, y), tanh) in x.iter().zip(y).zip(tanhs) {
                    let shifted = *x + shift;
                    *tanh = T::ONE - T::of(2.0) / (T::ONE + (T::of(2.0) * shifted).exp());
                    beyond_sum += bound.beyond(shifted.into()).powi(2);
                    let bounded: f64 = (*tanh * height - offset).into();
                    *y = T::of(bounded.round()) / width;
                }
            }
        });
        workspace.term = WEIGHT * beyond_sum / shape.inputs as f64;
    }

    /// dx = dy (1 - tanh²) height / width, and the gradient of the term.
    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        let Some(dx) = args.dx else { return };
        let term: f64 = args.term_scale.into();
        let term = term * 2.0 * WEIGHT / shape.inputs as f64;
        let channels = dx
            .chunks_exact_mut(self.pixels)
            .zip(args.dy.chunks_exact(self.pixels))
            .zip(args.x.chunks_exact(self.pixels))
            .zip(workspaces[shape.stage].scratch[0].chunks_exact(self.pixels))
            .zip(self.bounds.iter().cycle());
        widest!(|| {
            for ((((dx, dy), x), tanhs), bound) in channels {
                let factor = T::of(bound.height / bound.width);
                let shift = T::of(bound.shift);
                for (((dx, dy), x), tanh) in dx.iter_mut().zip(dy).zip(x).zip(tanhs) {
                    let beyond = bound.beyond((*x + shift).into());
                    *dx = factor * (T::ONE - *tanh * *tanh) * *dy + T::of(term * beyond);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use crate::math::BatchStats;
    use candle_core::{Device, Var};

    /// Values, and codes and gradients of their sum for 2, 3, 5 and 8 levels, by the paper's code:
    ///
    /// ```python
    /// import torch
    /// def bound(z, levels, eps=1e-3):
    ///     half_l = (levels - 1) * (1 - eps) / 2
    ///     offset = torch.where(levels % 2 == 1, 0.0, 0.5)
    ///     return torch.tanh(z + torch.tan(offset / half_l)) * half_l - offset
    /// z = torch.tensor([[-3., -.4, .3, .2], [.1, 2, -1, -5], [1.6, .2, 9, .9]], dtype=torch.float64,
    ///                  requires_grad=True)
    /// levels = torch.tensor([2., 3, 5, 8], dtype=torch.float64)
    /// b = bound(z, levels)
    /// y = (b + (b.round() - b).detach()) / (levels // 2)
    /// y.sum().backward(); print(y, z.grad)
    /// ```
    const Z: [f64; 12] = [
        -3.0, -0.4, 0.3, 0.2, 0.1, 2.0, -1.0, -5.0, 1.6, 0.2, 9.0, 0.9,
    ];
    const CODES: [f64; 12] = [
        -1.0, 0.0, 0.5, 0.25, 0.0, 1.0, -1.0, -1.0, 0.0, 0.0, 1.0, 0.5,
    ];
    const GRADIENTS: [f64; 12] = [
        0.1007029673,
        0.8547831473,
        0.9142218249,
        0.7783384800,
        0.067175326766,
        0.070580174028,
        0.41955436727,
        0.00021168890574,
        0.0035773678747,
        0.96008193998,
        6.0858997154e-8,
        0.343048886,
    ];

    fn fsq() -> Fsq {
        Fsq(vec![2, 3, 5, 8])
    }

    /// Reorders (3, 4) to (4, 3): channels of three pixels.
    fn transposed(values: &[f64; 12]) -> Vec<f64> {
        (0..12).map(|i| values[i % 3 * 4 + i / 3]).collect()
    }

    fn assert_near(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-8, "{found:?}, expected {expected:?}");
        }
    }

    /// Codes and gradients of their sum by the CPU op.
    fn by_op(input: &[usize], z: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let shapes = LayerShapes {
            before: input,
            after: input,
        };
        let Lowered::CpuOp(op) = fsq().lower(shapes, &mut LowerContext::default()) else {
            panic!("not an op");
        };
        let op: &dyn Arithmetic<f64> = &*op;
        let values: usize = input.iter().product();
        let shape = OpShape {
            stage: 0,
            rows: z.len() / values,
            inputs: values,
            outputs: values,
        };
        let (mut y, mut dx) = (vec![0.0; z.len()], vec![0.0; z.len()]);
        let workspaces = &mut [op.workspace(shape, true)];
        let args = ForwardArgs {
            weight: &[],
            bias: &[],
            skip_input: &[],
            training: None,
        };
        op.forward(shape, z, &mut y, args, workspaces);
        let args = BackwardArgs {
            x: z,
            dy: &vec![1.0; z.len()],
            dx: Some(&mut dx),
            weight: &[],
            stats: &BatchStats::default(),
            term_scale: 0.0,
            step: 0,
        };
        op.backward(shape, args, workspaces);
        (y, dx)
    }

    /// The same by candle.
    fn by_candle(shape: &[usize], z: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let z = Var::from_slice(z, shape, &Device::Cpu).unwrap();
        let mut context = ForwardContext {
            rng: None,
            state: &mut ForwardState::default(),
        };
        let vars = LayerVars::default();
        let y = fsq().candle_forward(&z, vars, &mut context).unwrap();
        let gradients = y.sum_all().unwrap().backward().unwrap();
        let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1().unwrap();
        (values(&y), values(gradients.get(&z).unwrap()))
    }

    #[test]
    fn codes_and_gradients_are_those_of_the_paper() {
        for (codes, gradients) in [by_op(&[4], &Z), by_candle(&[3, 4], &Z)] {
            assert_near(&codes, &CODES);
            assert_near(&gradients, &GRADIENTS);
        }
    }

    #[test]
    fn channels_of_images_have_levels_of_their_own() {
        let z = transposed(&Z);
        for (codes, gradients) in [by_op(&[4, 1, 3], &z), by_candle(&[1, 4, 1, 3], &z)] {
            assert_near(&codes, &transposed(&CODES));
            assert_near(&gradients, &transposed(&GRADIENTS));
        }
    }

    /// The term of a batch, and its gradient, by the CPU op.
    fn term_by_op(z: &[f64]) -> (f64, Vec<f64>) {
        let shape = OpShape {
            stage: 0,
            rows: 3,
            inputs: 4,
            outputs: 4,
        };
        let op = FsqOp {
            bounds: fsq().bounds().collect(),
            pixels: 1,
        };
        let op: &dyn Arithmetic<f64> = &op;
        let workspaces = &mut [op.workspace(shape, true)];
        let args = ForwardArgs {
            weight: &[],
            bias: &[],
            skip_input: &[],
            training: None,
        };
        op.forward(shape, z, &mut [0.0; 12], args, workspaces);
        let mut dx = vec![0.0; 12];
        let args = BackwardArgs {
            x: z,
            dy: &[0.0; 12],
            dx: Some(&mut dx),
            weight: &[],
            stats: &BatchStats::default(),
            term_scale: 1.0 / 3.0,
            step: 0,
        };
        op.backward(shape, args, workspaces);
        (workspaces[0].term / 3.0, dx)
    }

    #[test]
    fn a_term_pulls_values_back_to_their_range() {
        let (term, gradients) = term_by_op(&Z);
        // With 2 levels, the range is [-2.56, -0.56].
        let beyond: Vec<usize> = (0..12).filter(|&i| gradients[i] != 0.0).collect();
        assert_eq!(beyond, [0, 4, 5, 7, 8, 10]);
        for i in 0..12 {
            let at = |shift: f64| {
                let mut z = Z;
                z[i] += shift;
                term_by_op(&z).0
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - gradients[i]).abs() < 1e-8, "{i}: {slope}");
        }
        let z = Var::from_slice(&Z, (3, 4), &Device::Cpu).unwrap();
        let mut state = ForwardState::default();
        let mut context = ForwardContext {
            rng: None,
            state: &mut state,
        };
        let vars = LayerVars::default();
        fsq().candle_forward(&z, vars, &mut context).unwrap();
        let mean = &state.terms[0].mean;
        assert_near(&[mean.to_scalar().unwrap()], &[term]);
        let found = mean.backward().unwrap();
        let found = found.get(&z).unwrap().flatten_all().unwrap();
        assert_near(&found.to_vec1().unwrap(), &gradients);
    }

    #[test]
    fn nan_stays_visible() {
        let (codes, _) = by_op(&[4], &[f64::NAN, 0.0, 0.0, 0.0]);
        assert!(codes[0].is_nan() && codes[1] == 0.0);
    }

    #[test]
    fn levels_and_inputs_that_do_not_fit_are_rejected() {
        assert_eq!(fsq().output_shape(&[4]), Ok(vec![4]));
        assert_eq!(fsq().output_shape(&[4, 7, 7]), Ok(vec![4, 7, 7]));
        let error = fsq().output_shape(&[7, 4, 4]).unwrap_err();
        assert_eq!(
            (error.got.as_str(), error.hint.as_str()),
            ("7 x 4 x 4", "Put Linear(4) or Conv2d(4, 1) before it")
        );
        for levels in [vec![], vec![8, 1], vec![0], vec![8, 65_537]] {
            let n = levels.len();
            assert!(Fsq(levels).output_shape(&[n]).is_err());
        }
    }
}
