//! SiLU: y = x * sigmoid(x).
//!
//! Hendrycks and Gimpel, "Gaussian error linear units", 2016. PyTorch: `nn.SiLU()`.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::ShapeResult;
use crate::layer::variable::LayerVars;
use crate::math::{Interval, Real, widest};
use candle_core::Tensor;
use std::sync::Arc;

/// SiLU. Its derivative needs the input, so it is a stage of its own.
#[derive(Debug)]
pub(crate) struct Silu;

impl LayerKind for Silu {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        Ok(input.to_vec())
    }

    fn output_range(&self, _input: Interval) -> Interval {
        // The minimum is at -1.2785.
        Interval::new(-0.279, f64::INFINITY)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(xs.silu()?)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(Silu))
    }
}

impl CpuOp for Silu {
    fn stands_alone(&self) -> bool {
        true
    }
}

impl<T: Real> Arithmetic<T> for Silu {
    fn forward(
        &self,
        _shape: OpShape,
        x: &[T],
        y: &mut [T],
        _args: ForwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        widest!(|| y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * sigmoid(x)));
    }

    /// dx = dy s (1 + x (1 - s)) with s = sigmoid(x)
    fn backward(
        &self,
        _shape: OpShape,
        args: BackwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        let BackwardArgs {
            x,
            dy,
            dx: Some(dx),
            ..
        } = args
        else {
            return;
        };
        widest!(|| {
            for ((dx, &dy), &x) in dx.iter_mut().zip(dy).zip(x) {
                let s = sigmoid(x);
                *dx = dy * s * (T::ONE + x * (T::ONE - s));
            }
        });
    }
}

#[inline(always)]
fn sigmoid<T: Real>(x: T) -> T {
    T::ONE / (T::ONE + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::BatchStats;

    #[test]
    fn outputs_and_derivatives_match_pytorch() {
        // import torch; x = torch.tensor([-90, -6, -1.2784645, 0, .3, 2, 90]).double().requires_grad_()
        // y = torch.nn.functional.silu(x); y.sum().backward(); y, x.grad
        let x = [-90.0, -6.0, -1.278_464_5, 0.0, 0.3, 2.0, 90.0];
        let outputs = [0.0, -0.0148357, -0.2784645, 0.0, 0.1723328, 1.7615942, 90.0];
        let derivatives = [0.0, -0.0123264, 0.0, 0.5, 0.64778, 1.0907843, 1.0];
        let (mut y, mut dx) = ([0.0; 7], [0.0; 7]);
        let shape = OpShape {
            stage: 0,
            rows: 1,
            inputs: 7,
            outputs: 7,
        };
        let args = ForwardArgs {
            training: None,
            weight: &[],
            bias: &[],
            skip_input: &[],
        };
        Silu.forward(shape, &x, &mut y, args, &mut []);
        let stats = BatchStats::default();
        let backward = BackwardArgs {
            term_scale: 0.0,
            step: 0,
            x: &x,
            dy: &[1.0; 7],
            dx: Some(&mut dx),
            weight: &[],
            stats: &stats,
        };
        Silu.backward(shape, backward, &mut []);
        for (got, expected) in y.iter().chain(&dx).zip(outputs.iter().chain(&derivatives)) {
            assert!(
                (got - expected).abs() < 1e-6_f32,
                "got {got}, expected {expected}"
            );
        }
        Silu.forward(shape, &[f32::NAN], &mut y[..1], args, &mut []);
        assert!(y[0].is_nan());
    }
}
