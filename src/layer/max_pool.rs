//! Max-pooling that remembers the position of each maximum, and unpooling that restores it.
//!
//! Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014, call the
//! positions switches. PyTorch: `nn.MaxPool2d(n, return_indices=True)` and `nn.MaxUnpool2d(n)`.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::ShapeResult;
use crate::layer::partial_windows::PartialWindows;
use crate::layer::pool_settings::{PoolSettings, UnpoolSettings};
use crate::layer::variable::LayerVars;
use crate::layer::windows::{crop, pooled_shape, unpooled_shape, window_values};
use crate::math::{Interval, Real};
use candle_core::{D, DType, Tensor};
use std::sync::Arc;

/// Max-pooling with these windows.
pub(crate) struct MaxPool2d(pub(crate) PoolSettings);

impl LayerKind for MaxPool2d {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        pooled_shape(input, self.0, "MaxPool2d")
    }

    fn output_range(&self, input: Interval) -> Interval {
        input
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let n = self.0.size;
        // A switch times an infinite value would be NaN, so only the search sees the infinite ones.
        let candidates = window_values(&xs.detach(), n, f64::NEG_INFINITY)?;
        let switches = one_hot(&candidates.argmax_keepdim(D::Minus1)?, n)?.to_dtype(xs.dtype())?;
        let ys = (window_values(xs, n, 0.0)? * &switches)?.sum(D::Minus1)?;
        context.state.switches.push(switches);
        Ok(ys)
    }

    fn lower(&self, shapes: LayerShapes<'_>, context: &mut LowerContext) -> Lowered {
        context.pools.push(context.next);
        Lowered::CpuOp(Arc::new(MaxPoolOp(PartialWindows::new(
            shapes.before,
            self.0.size,
        ))))
    }
}

/// Max-unpooling with these windows.
pub(crate) struct MaxUnpool2d(pub(crate) UnpoolSettings);

impl LayerKind for MaxUnpool2d {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        unpooled_shape(input, self.0)
    }

    fn output_range(&self, input: Interval) -> Interval {
        input.with(0.0)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let (n, (b, c, h, w)) = (self.0.size, xs.dims4()?);
        let switches = match context.state.switches.pop() {
            Some(switches) => switches,
            // Without a pooling, values go to the top left of their windows.
            None => {
                let top_left = Tensor::zeros((b, c, h, w, 1), DType::U32, xs.device())?;
                one_hot(&top_left, n)?
            }
        };
        let windows = switches
            .to_dtype(xs.dtype())?
            .broadcast_mul(&xs.unsqueeze(D::Minus1)?)?;
        // (b, c, h, w, n*n) -> (b, c, h*n, w*n)
        let whole = windows
            .reshape((b, c, h, w, n, n))?
            .permute((0, 1, 2, 4, 3, 5))?
            .reshape((b, c, h * n, w * n))?;
        Ok(crop(&whole, self.0.output_size)?)
    }

    fn lower(&self, shapes: LayerShapes<'_>, context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(MaxUnpoolOp {
            windows: PartialWindows::new(shapes.after, self.0.size),
            pool: context.pools.pop(),
        }))
    }
}

/// One-hot encodes positions in windows of n x n. Multiplying by the result has the right
/// gradients; candle's gather and scatter do not.
///
/// # Shapes
/// (b, c, h, w, 1) -> (b, c, h, w, n*n)
fn one_hot(positions: &Tensor, n: usize) -> candle_core::Result<Tensor> {
    let all = Tensor::arange(0, (n * n) as u32, positions.device())?;
    positions
        .broadcast_eq(&all.reshape((1, 1, 1, 1, n * n))?)?
        .to_dtype(DType::F32)
}

/// CPU op of [`MaxPool2d`].
#[derive(Debug)]
struct MaxPoolOp(PartialWindows);

impl CpuOp for MaxPoolOp {
    fn stands_alone(&self) -> bool {
        true
    }
}

impl<T: Real> Arithmetic<T> for MaxPoolOp {
    fn workspace(&self, shape: OpShape, _training: bool) -> Workspace<T> {
        Workspace {
            argmax: vec![0; shape.rows * shape.outputs],
            ..Workspace::with_buffer(self.0.buffer(shape.rows * shape.inputs))
        }
    }

    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        _args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let Workspace {
            argmax, scratch, ..
        } = &mut workspaces[shape.stage];
        let x = self.0.padded(x, &mut scratch[0], T::of(f64::NEG_INFINITY));
        self.0.whole().max(x, y, &mut argmax[..y.len()]);
    }

    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        if let Some(dx) = args.dx {
            let Workspace {
                argmax, scratch, ..
            } = &mut workspaces[shape.stage];
            let argmax = &argmax[..args.dy.len()];
            let windows = self.0.whole();
            self.0.cropped(dx, &mut scratch[0], |dx| {
                windows.scatter(args.dy, argmax, dx);
            });
        }
    }
}

/// CPU op of [`MaxUnpool2d`].
#[derive(Debug)]
struct MaxUnpoolOp {
    windows: PartialWindows,
    /// Stage of the paired pooling. Without one, values go to the top left of their windows.
    pool: Option<usize>,
}

impl CpuOp for MaxUnpoolOp {
    fn stands_alone(&self) -> bool {
        true
    }
}

impl<T: Real> Arithmetic<T> for MaxUnpoolOp {
    fn workspace(&self, shape: OpShape, _training: bool) -> Workspace<T> {
        let unpaired = if self.pool.is_some() {
            0
        } else {
            shape.rows * shape.inputs
        };
        Workspace {
            argmax: vec![0; unpaired],
            ..Workspace::with_buffer(self.windows.buffer(shape.rows * shape.outputs))
        }
    }

    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        _args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let mut buffer = std::mem::take(&mut workspaces[shape.stage].scratch[0]);
        let argmax = &workspaces[self.pool.unwrap_or(shape.stage)].argmax[..x.len()];
        let windows = self.windows.whole();
        self.windows
            .cropped(y, &mut buffer, |y| windows.scatter(x, argmax, y));
        workspaces[shape.stage].scratch[0] = buffer;
    }

    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        if let Some(dx) = args.dx {
            let mut buffer = std::mem::take(&mut workspaces[shape.stage].scratch[0]);
            let argmax = &workspaces[self.pool.unwrap_or(shape.stage)].argmax[..dx.len()];
            let dy = self.windows.padded(args.dy, &mut buffer, T::ZERO);
            self.windows.whole().gather(dy, argmax, dx);
            workspaces[shape.stage].scratch[0] = buffer;
        }
    }
}
