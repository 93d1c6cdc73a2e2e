//! Nearest-neighbor upsampling. PyTorch: `nn.Upsample(scale_factor=n)`.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::ShapeResult;
use crate::layer::partial_windows::PartialWindows;
use crate::layer::pool_settings::UnpoolSettings;
use crate::layer::variable::LayerVars;
use crate::layer::windows::{crop, unpooled_shape};
use crate::math::{Interval, Real};
use candle_core::Tensor;
use std::sync::Arc;

/// Upsampling with these settings.
pub(crate) struct Upsample(pub(crate) UnpoolSettings);

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
        let (n, (b, c, h, w)) = (self.0.size, xs.dims4()?);
        // (b, c, h, w) -> (b, c, h, n, w, n) -> (b, c, h*n, w*n)
        let whole = xs
            .reshape((b, c, h, 1, w, 1))?
            .broadcast_as((b, c, h, n, w, n))?
            .reshape((b, c, h * n, w * n))?;
        Ok(crop(&whole, self.0.output_size)?)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(UpsampleOp(PartialWindows::new(
            shapes.after,
            self.0.size,
        ))))
    }
}

/// CPU op of [`Upsample`].
#[derive(Debug)]
struct UpsampleOp(PartialWindows);

impl CpuOp for UpsampleOp {
    fn stands_alone(&self) -> bool {
        true
    }
}

impl<T: Real> Arithmetic<T> for UpsampleOp {
    fn workspace(&self, shape: OpShape, _training: bool) -> Workspace<T> {
        let buffer = self.0.buffer(shape.rows * shape.outputs);
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
        let buffer = &mut workspaces[shape.stage].scratch[0];
        let windows = self.0.whole();
        self.0.cropped(y, buffer, |y| windows.repeat(x, y, T::ONE));
    }

    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        if let Some(dx) = args.dx {
            let buffer = &mut workspaces[shape.stage].scratch[0];
            let dy = self.0.padded(args.dy, buffer, T::ZERO);
            self.0.whole().sum(dy, dx, T::ONE);
        }
    }
}
