//! Average pooling. PyTorch: `nn.AvgPool2d(n)`.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{
    ForwardContext, LayerKind, LayerShapes, LayerVars, LowerContext, Lowered,
};
use crate::layer::layer_error::ShapeResult;
use crate::layer::windows::{PoolWindows, pooled_shape, window_values};
use crate::math::{Interval, Real};
use candle_core::{D, Tensor};
use std::sync::Arc;

/// Average pooling with this window height and width.
pub(crate) struct AvgPool2d(pub(crate) usize);

impl LayerKind for AvgPool2d {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        pooled_shape(input, self.0)
    }

    fn output_range(&self, input: Interval) -> Interval {
        input
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(window_values(xs, self.0)?.mean(D::Minus1)?)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(AvgPoolOp(PoolWindows {
            size: self.0,
            width: shapes.before[2],
        })))
    }
}

/// CPU op of [`AvgPool2d`].
#[derive(Debug)]
struct AvgPoolOp(PoolWindows);

impl CpuOp for AvgPoolOp {}

impl<T: Real> Arithmetic<T> for AvgPoolOp {
    fn forward(
        &self,
        _shape: OpShape,
        x: &[T],
        y: &mut [T],
        _args: ForwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        self.0.sum(x, y, self.0.mean_factor());
    }

    fn backward(
        &self,
        _shape: OpShape,
        args: BackwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        if let Some(dx) = args.dx {
            self.0.repeat(args.dy, dx, self.0.mean_factor());
        }
    }
}
