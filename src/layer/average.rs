//! Means of windows, and values repeated.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, Back, Given, Here, Kernel, Room};
use crate::layer::misfit::Fitted;
use crate::layer::operation::{Context, Links, Operation, Own, Shapes, Staged};
use crate::layer::pool::{Windows, narrowed, widened, windows};
use crate::math::Real;
use candle_core::{D, Tensor};
use std::sync::Arc;

/// Holds the rows and columns of a window.
pub(crate) struct AvgPool(pub(crate) usize);

impl Operation for AvgPool {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        narrowed(input, self.0)
    }

    fn tensor(&self, xs: &Tensor, _own: Own<'_>, _context: &mut Context<'_>) -> Result<Tensor> {
        Ok(windows(xs, self.0)?.mean(D::Minus1)?)
    }

    fn staged(&self, shapes: Shapes<'_>, _links: &mut Links) -> Staged {
        Staged::Kernel(Arc::new(Means(Windows {
            size: self.0,
            width: shapes.before[2],
        })))
    }
}

/// Holds how many times a value stands in each direction.
pub(crate) struct Upsample(pub(crate) usize);

impl Operation for Upsample {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        widened(input, self.0)
    }

    fn tensor(&self, xs: &Tensor, _own: Own<'_>, _context: &mut Context<'_>) -> Result<Tensor> {
        let (n, (b, c, h, w)) = (self.0, xs.dims4()?);
        // (b, c, h, w) -> (b, c, h, n, w, n) -> (b, c, h*n, w*n)
        Ok(xs
            .reshape((b, c, h, 1, w, 1))?
            .broadcast_as((b, c, h, n, w, n))?
            .reshape((b, c, h * n, w * n))?)
    }

    fn staged(&self, shapes: Shapes<'_>, _links: &mut Links) -> Staged {
        Staged::Kernel(Arc::new(Repeats(Windows {
            size: self.0,
            width: shapes.after[2],
        })))
    }
}

/// The mean of each window.
#[derive(Debug)]
struct Means(Windows);

impl Kernel for Means {}

impl<T: Real> Arithmetic<T> for Means {
    fn forward(
        &self,
        _here: Here,
        x: &[T],
        y: &mut [T],
        _given: Given<'_, T>,
        _rooms: &mut [Room<T>],
    ) {
        self.0.sum(x, y, self.0.share());
    }

    fn backward(&self, _here: Here, back: Back<'_, T>, _rooms: &mut [Room<T>]) {
        if let Back {
            dy, dx: Some(dx), ..
        } = back
        {
            self.0.repeat(dy, dx, self.0.share());
        }
    }
}

/// Every value in all places of its window.
#[derive(Debug)]
struct Repeats(Windows);

impl Kernel for Repeats {}

impl<T: Real> Arithmetic<T> for Repeats {
    fn forward(
        &self,
        _here: Here,
        x: &[T],
        y: &mut [T],
        _given: Given<'_, T>,
        _rooms: &mut [Room<T>],
    ) {
        self.0.repeat(x, y, T::ONE);
    }

    fn backward(&self, _here: Here, back: Back<'_, T>, _rooms: &mut [Room<T>]) {
        if let Back {
            dy, dx: Some(dx), ..
        } = back
        {
            self.0.sum(dy, dx, T::ONE);
        }
    }
}

impl Windows {
    /// One over the number of values of a window.
    fn share<T: Real>(self) -> T {
        T::of(1.0 / (self.size * self.size) as f64)
    }

    /// The sum of each window, times a factor: the mean of each window, and the way back of repeating.
    fn sum<T: Real>(self, wide: &[T], narrow: &mut [T], factor: T) {
        let Windows { size, width } = self;
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
        let Windows { size, width } = self;
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
