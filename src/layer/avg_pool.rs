//! Average pooling. PyTorch: `nn.AvgPool2d(n, ceil_mode=..)`.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::ShapeResult;
use crate::layer::partial_windows::PartialWindows;
use crate::layer::pool_settings::PoolSettings;
use crate::layer::variable::LayerVars;
use crate::layer::windows::{pooled_shape, window_values};
use crate::math::{Interval, Real};
use candle_core::{D, Tensor};
use std::sync::Arc;

/// Average pooling with these windows.
pub(crate) struct AvgPool2d(pub(crate) PoolSettings);

impl LayerKind for AvgPool2d {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        pooled_shape(input, self.0, "AvgPool2d")
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
        let n = self.0.size;
        let sums = window_values(xs, n, 0.0)?.sum(D::Minus1)?;
        // The pixels that each window has.
        let ones = Tensor::ones((1, 1, xs.dim(2)?, xs.dim(3)?), xs.dtype(), xs.device())?;
        let counts = window_values(&ones, n, 0.0)?.sum(D::Minus1)?;
        Ok(sums.broadcast_div(&counts)?)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(AvgPoolOp(PartialWindows::new(
            shapes.before,
            self.0.size,
        ))))
    }
}

/// CPU op of [`AvgPool2d`].
#[derive(Debug)]
struct AvgPoolOp(PartialWindows);

impl CpuOp for AvgPoolOp {
    fn stands_alone(&self) -> bool {
        true
    }
}

impl<T: Real> Arithmetic<T> for AvgPoolOp {
    fn workspace(&self, shape: OpShape, _training: bool) -> Workspace<T> {
        let buffer = self.0.buffer(shape.rows * shape.inputs);
        Workspace::with_buffer(buffer)
    }

    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        _args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let (partial, windows) = (self.0, self.0.whole());
        if partial.are_whole() {
            return windows.sum(x, y, windows.mean_factor());
        }
        let x = partial.padded(x, &mut workspaces[shape.stage].scratch[0], T::ZERO);
        windows.sum(x, y, T::ONE);
        partial.divide_windows(y);
    }

    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        let Some(dx) = args.dx else { return };
        let (partial, windows) = (self.0, self.0.whole());
        if partial.are_whole() {
            return windows.repeat(args.dy, dx, windows.mean_factor());
        }
        let buffer = &mut workspaces[shape.stage].scratch[0];
        partial.cropped(dx, buffer, |dx| windows.repeat(args.dy, dx, T::ONE));
        partial.divide_pixels(dx);
    }
}
