//! Nearest-neighbor upsampling. PyTorch: `nn.Upsample(scale_factor=n)`.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{
    ForwardContext, LayerKind, LayerShapes, LayerVars, LowerContext, Lowered,
};
use crate::layer::layer_error::ShapeResult;
use crate::layer::windows::{PoolWindows, unpooled_shape};
use crate::math::{Interval, Real};
use candle_core::Tensor;
use std::sync::Arc;

/// Upsampling by this factor in each direction.
pub(crate) struct Upsample(pub(crate) usize);

impl LayerKind for Upsample {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        unpooled_shape(input, self.0)
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
        let (n, (b, c, h, w)) = (self.0, xs.dims4()?);
        // (b, c, h, w) -> (b, c, h, n, w, n) -> (b, c, h*n, w*n)
        Ok(xs
            .reshape((b, c, h, 1, w, 1))?
            .broadcast_as((b, c, h, n, w, n))?
            .reshape((b, c, h * n, w * n))?)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(UpsampleOp(PoolWindows {
            size: self.0,
            width: shapes.after[2],
        })))
    }
}

/// CPU op of [`Upsample`].
#[derive(Debug)]
struct UpsampleOp(PoolWindows);

impl CpuOp for UpsampleOp {}

impl<T: Real> Arithmetic<T> for UpsampleOp {
    fn forward(
        &self,
        _shape: OpShape,
        x: &[T],
        y: &mut [T],
        _args: ForwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        self.0.repeat(x, y, T::ONE);
    }

    fn backward(
        &self,
        _shape: OpShape,
        args: BackwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        if let Some(dx) = args.dx {
            self.0.sum(args.dy, dx, T::ONE);
        }
    }
}
