//! Means of windows, and values repeated.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::misfit::Fitted;
use crate::layer::operation::{
    ForwardContext, LayerKind, LayerShapes, LayerVars, LowerContext, Lowered,
};
use crate::layer::pool::{PoolWindows, narrowed, widened, windows};
use crate::math::Real;
use candle_core::{D, Tensor};
use std::sync::Arc;

/// Holds the rows and columns of a window.
pub(crate) struct AvgPool(pub(crate) usize);

impl LayerKind for AvgPool {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        narrowed(input, self.0)
    }

    fn tensor(
        &self,
        xs: &Tensor,
        _own: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(windows(xs, self.0)?.mean(D::Minus1)?)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _links: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(Means(PoolWindows {
            size: self.0,
            width: shapes.before[2],
        })))
    }
}

/// Holds how many times a value stands in each direction.
pub(crate) struct Upsample(pub(crate) usize);

impl LayerKind for Upsample {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        widened(input, self.0)
    }

    fn tensor(
        &self,
        xs: &Tensor,
        _own: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let (n, (b, c, h, w)) = (self.0, xs.dims4()?);
        // (b, c, h, w) -> (b, c, h, n, w, n) -> (b, c, h*n, w*n)
        Ok(xs
            .reshape((b, c, h, 1, w, 1))?
            .broadcast_as((b, c, h, n, w, n))?
            .reshape((b, c, h * n, w * n))?)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _links: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(Repeats(PoolWindows {
            size: self.0,
            width: shapes.after[2],
        })))
    }
}

/// The mean of each window.
#[derive(Debug)]
struct Means(PoolWindows);

impl CpuOp for Means {}

impl<T: Real> Arithmetic<T> for Means {
    fn forward(
        &self,
        _here: OpShape,
        x: &[T],
        y: &mut [T],
        _given: ForwardArgs<'_, T>,
        _rooms: &mut [Workspace<T>],
    ) {
        self.0.sum(x, y, self.0.share());
    }

    fn backward(&self, _here: OpShape, back: BackwardArgs<'_, T>, _rooms: &mut [Workspace<T>]) {
        if let BackwardArgs {
            dy, dx: Some(dx), ..
        } = back
        {
            self.0.repeat(dy, dx, self.0.share());
        }
    }
}

/// Every value in all places of its window.
#[derive(Debug)]
struct Repeats(PoolWindows);

impl CpuOp for Repeats {}

impl<T: Real> Arithmetic<T> for Repeats {
    fn forward(
        &self,
        _here: OpShape,
        x: &[T],
        y: &mut [T],
        _given: ForwardArgs<'_, T>,
        _rooms: &mut [Workspace<T>],
    ) {
        self.0.repeat(x, y, T::ONE);
    }

    fn backward(&self, _here: OpShape, back: BackwardArgs<'_, T>, _rooms: &mut [Workspace<T>]) {
        if let BackwardArgs {
            dy, dx: Some(dx), ..
        } = back
        {
            self.0.sum(dy, dx, T::ONE);
        }
    }
}

impl PoolWindows {
    /// One over the number of values of a window.
    fn share<T: Real>(self) -> T {
        T::of(1.0 / (self.size * self.size) as f64)
    }

    /// The sum of each window, times a factor: the mean of each window, and the way back of repeating.
    fn sum<T: Real>(self, wide: &[T], narrow: &mut [T], factor: T) {
        let PoolWindows { size, width } = self;
        for (narrow, rows) in narrow
            .chunks_exact_mut(width / size)
            .zip(wide.chunks_exact(size * width))
        {
            narrow.fill(T::ZERO);
            for row in rows.chunks_exact(width) {
                for (value, part) in narrow.iter_mut().zip(row.chunks_exact(size)) {
                    *value += part.iter().copied().sum();
                }
            }
            narrow.iter_mut().for_each(|value| *value *= factor);
        }
    }

    /// Each value, times a factor, in every place of its window: repeating, and the way back of means.
    fn repeat<T: Real>(self, narrow: &[T], wide: &mut [T], factor: T) {
        let PoolWindows { size, width } = self;
        for (narrow, rows) in narrow
            .chunks_exact(width / size)
            .zip(wide.chunks_exact_mut(size * width))
        {
            let (first, others) = rows.split_at_mut(width);
            for (value, part) in narrow.iter().zip(first.chunks_exact_mut(size)) {
                part.fill(*value * factor);
            }
            others
                .chunks_exact_mut(width)
                .for_each(|row| row.copy_from_slice(first));
        }
    }
}
