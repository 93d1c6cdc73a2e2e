//! GELU: y = x * normal_cdf(x).
//!
//! Hendrycks and Gimpel, "Gaussian error linear units", 2016. PyTorch: `nn.GELU()`.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::ShapeResult;
use crate::layer::variable::LayerVars;
use crate::math::{Interval, Real, widest};
use candle_core::Tensor;
use std::sync::Arc;

/// GELU. Its derivative needs the input, so it is a stage of its own.
#[derive(Debug)]
pub(crate) struct Gelu;

impl LayerKind for Gelu {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        Ok(input.to_vec())
    }

    fn output_range(&self, _input: Interval) -> Interval {
        // The minimum is at -0.7518.
        Interval::new(-0.17, f64::INFINITY)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(xs.gelu_erf()?)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(Gelu))
    }
}

impl CpuOp for Gelu {
    fn stands_alone(&self) -> bool {
        true
    }
}

impl<T: Real> Arithmetic<T> for Gelu {
    fn forward(
        &self,
        _shape: OpShape,
        x: &[T],
        y: &mut [T],
        _args: ForwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        widest!(|| y
            .iter_mut()
            .zip(x)
            .for_each(|(y, &x)| *y = x * x.normal_cdf()));
    }

    /// dx = dy (normal_cdf(x) + x normal_pdf(x))
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
        // 1 / sqrt(2 pi)
        let density =
            T::of(0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2);
        let half = T::of(0.5);
        widest!(|| {
            for ((dx, &dy), &x) in dx.iter_mut().zip(dy).zip(x) {
                *dx = dy * (x.normal_cdf() + x * density * (-half * x * x).exp());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::BatchStats;

    #[test]
    fn gelu_and_its_derivative_match_pytorch() {
        // import torch
        // x = torch.tensor([-6., -1.5, -.1, 0, .3, 2, 5]).double().requires_grad_()
        // y = torch.nn.functional.gelu(x); y.sum().backward(); y, x.grad
        let x = [-6.0, -1.5, -0.1, 0.0, 0.3, 2.0, 5.0];
        let outputs = [
            -5.919526e-9,
            -0.1002108,
            -0.0460172,
            0.0,
            0.18537343,
            1.9544997,
            4.9999986,
        ];
        let derivatives = [
            -3.546871e-8,
            -0.1274692,
            0.4204769,
            0.5,
            0.7323278,
            1.0852318,
            1.0000071,
        ];
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
        Gelu.forward(shape, &x, &mut y, args, &mut []);
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
        Gelu.backward(shape, backward, &mut []);
        for (got, expected) in y.iter().chain(&dx).zip(outputs.iter().chain(&derivatives)) {
            assert!(
                (got - expected).abs() < 1e-6,
                "got {got}, expected {expected}"
            );
        }
        Gelu.forward(shape, &[f32::NAN], &mut y[..1], args, &mut []);
        assert!(y[0].is_nan());
    }
}
