//! Square windows without overlap, shared by pooling, unpooling and upsampling.
//!
//! Ties go to the first maximum in row-major order, as in PyTorch; zeros after a ReLU tie often.

use crate::layer::layer_error::{LayerError, ShapeResult, image_dims, reject};
use crate::layer::pool_settings::{PoolSettings, UnpoolSettings};
use crate::math::{Real, widest};
use candle_core::Tensor;

const MAX_SIZE: usize = 255;

/// Output shape of the pooling layer `kind`.
pub(crate) fn pooled_shape(input: &[usize], pool: PoolSettings, kind: &str) -> ShapeResult {
    let (c, h, w) = image_dims(input)?;
    let n = pool.size;
    check_size(n, "2 halves height and width")?;
    let divides = h.is_multiple_of(n) && w.is_multiple_of(n);
    if !pool.ceil_mode && !divides {
        let fitting = format!("{} x {}", h.next_multiple_of(n), w.next_multiple_of(n));
        return reject(
            format!("a height and width divisible by {n}"),
            format!("{h} x {w}"),
            format!(
                "{kind}({n}).ceil_mode() also pools the partial windows at the edges; {fitting} \
                 would fit without: resize the images, or pad a convolution before it"
            ),
        );
    }
    Ok(vec![c, h.div_ceil(n), w.div_ceil(n)])
}

/// Output shape when every value becomes a window.
pub(crate) fn unpooled_shape(input: &[usize], unpool: UnpoolSettings) -> ShapeResult {
    let (c, h, w) = image_dims(input)?;
    let n = unpool.size;
    check_size(n, "2 doubles height and width")?;
    let whole = (h.saturating_mul(n), w.saturating_mul(n));
    let (rows, columns) = unpool.output_size.unwrap_or(whole);
    if (rows.div_ceil(n), columns.div_ceil(n)) != (h, w) {
        return reject(
            format!("an output_size that {h} x {w} windows of {n} x {n} cover"),
            format!("{rows} x {columns}"),
            format!(
                "Choose {} to {} rows and {} to {} columns",
                whole.0 - (n - 1),
                whole.0,
                whole.1 - (n - 1),
                whole.1
            ),
        );
    }
    Ok(vec![c, rows, columns])
}

fn check_size(n: usize, hint: &str) -> Result<(), LayerError> {
    if (1..=MAX_SIZE).contains(&n) {
        return Ok(());
    }
    reject(
        format!("a window of 1 to {MAX_SIZE} rows and columns"),
        n,
        hint,
    )
}

/// Gathers the values of each n x n window in the last dimension. Partial windows are filled up with
/// `fill`.
///
/// # Shapes
/// (b, c, h, w) -> (b, c, ceil(h/n), ceil(w/n), n*n)
pub(crate) fn window_values(xs: &Tensor, n: usize, fill: f64) -> candle_core::Result<Tensor> {
    let xs = pad_to_multiple(&pad_to_multiple(xs, 2, n, fill)?, 3, n, fill)?;
    let (b, c, h, w) = xs.dims4()?;
    let (h, w) = (h / n, w / n);
    xs.reshape((b, c, h, n, w, n))?
        .permute((0, 1, 2, 4, 3, 5))?
        .reshape((b, c, h, w, n * n))?
        .contiguous()
}

/// Appends `fill` to a dimension, up to a multiple of `n`.
fn pad_to_multiple(xs: &Tensor, dim: usize, n: usize, fill: f64) -> candle_core::Result<Tensor> {
    let mut shape = xs.dims().to_vec();
    shape[dim] = shape[dim].next_multiple_of(n) - shape[dim];
    if shape[dim] == 0 {
        return Ok(xs.clone());
    }
    let padding = Tensor::full(fill as f32, shape, xs.device())?.to_dtype(xs.dtype())?;
    Tensor::cat(&[xs, &padding], dim)
}

/// Cuts off the last rows and columns.
pub(crate) fn crop(xs: &Tensor, size: Option<(usize, usize)>) -> candle_core::Result<Tensor> {
    match size {
        Some((h, w)) => xs.narrow(2, 0, h)?.narrow(3, 0, w),
        None => Ok(xs.clone()),
    }
}

/// Windows of `size` x `size` without overlap, on slices of images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PoolWindows {
    pub(crate) size: usize,
    /// Width of the unpooled images. Their height is a whole number of windows, so all channels
    /// and images can be processed as one tall image. `PartialWindows` pads other images.
    pub(crate) width: usize,
}

impl PoolWindows {
    /// Finds the maximum of each window and its row-major position.
    pub(crate) fn max<T: Real>(self, wide: &[T], narrow: &mut [T], argmax: &mut [u16]) {
        let PoolWindows { size, width } = self;
        if size == 2 {
            return self.max_2x2(wide, narrow, argmax);
        }
        let rows = narrow
            .chunks_exact_mut(width / size)
            .zip(argmax.chunks_exact_mut(width / size));
        for ((narrow, argmax), rows) in rows.zip(wide.chunks_exact(size * width)) {
            for (x, (max, position)) in narrow.iter_mut().zip(argmax).enumerate() {
                (*max, *position) = (rows[x * size], 0);
                for k in 1..size * size {
                    let value = rows[k / size * width + x * size + k % size];
                    if value > *max || value.is_nan() {
                        (*max, *position) = (value, k as u16);
                    }
                }
            }
        }
    }

    /// [`PoolWindows::max`] for windows of 2 x 2, without branches.
    fn max_2x2<T: Real>(self, wide: &[T], narrow: &mut [T], argmax: &mut [u16]) {
        let width = self.width;
        widest!(|| {
            let rows = narrow
                .chunks_exact_mut(width / 2)
                .zip(argmax.chunks_exact_mut(width / 2));
            for ((narrow, argmax), rows) in rows.zip(wide.chunks_exact(2 * width)) {
                let (top, bottom) = rows.split_at(width);
                let pairs = top.as_chunks::<2>().0.iter().zip(bottom.as_chunks::<2>().0);
                for ((max, position), ([a, b], [c, d])) in narrow.iter_mut().zip(argmax).zip(pairs)
                {
                    // NaN wins, so that it stays visible.
                    let wins = |new: T, old: T| new > old || new.is_nan();
                    let (mut best, mut at) = (*a, 0);
                    (best, at) = if wins(*b, best) { (*b, 1) } else { (best, at) };
                    (best, at) = if wins(*c, best) { (*c, 2) } else { (best, at) };
                    (best, at) = if wins(*d, best) { (*d, 3) } else { (best, at) };
                    (*max, *position) = (best, at);
                }
            }
        });
    }

    /// Writes each value to its position in its window, and zeros elsewhere: unpooling, and the
    /// backward pass of max-pooling.
    pub(crate) fn scatter<T: Real>(self, narrow: &[T], argmax: &[u16], wide: &mut [T]) {
        let PoolWindows { size, width } = self;
        if size == 2 {
            return self.scatter_2x2(narrow, argmax, wide);
        }
        wide.fill(T::ZERO);
        let rows = narrow
            .chunks_exact(width / size)
            .zip(argmax.chunks_exact(width / size));
        for ((narrow, argmax), rows) in rows.zip(wide.chunks_exact_mut(size * width)) {
            for (x, (value, position)) in narrow.iter().zip(argmax).enumerate() {
                let position = usize::from(*position);
                rows[position / size * width + x * size + position % size] = *value;
            }
        }
    }

    /// [`PoolWindows::scatter`] for windows of 2 x 2, without branches.
    fn scatter_2x2<T: Real>(self, narrow: &[T], argmax: &[u16], wide: &mut [T]) {
        let width = self.width;
        widest!(|| {
            let rows = narrow
                .chunks_exact(width / 2)
                .zip(argmax.chunks_exact(width / 2));
            for ((narrow, argmax), rows) in rows.zip(wide.chunks_exact_mut(2 * width)) {
                let (top, bottom) = rows.split_at_mut(width);
                scatter_row(narrow, argmax, 0, top.as_chunks_mut().0);
                scatter_row(narrow, argmax, 2, bottom.as_chunks_mut().0);
            }
        });
    }

    /// Reads the value at each window's position: the backward pass of unpooling.
    pub(crate) fn gather<T: Real>(self, wide: &[T], argmax: &[u16], narrow: &mut [T]) {
        let PoolWindows { size, width } = self;
        if size == 2 {
            return self.gather_2x2(wide, argmax, narrow);
        }
        let rows = narrow
            .chunks_exact_mut(width / size)
            .zip(argmax.chunks_exact(width / size));
        for ((narrow, argmax), rows) in rows.zip(wide.chunks_exact(size * width)) {
            for (x, (value, position)) in narrow.iter_mut().zip(argmax).enumerate() {
                let position = usize::from(*position);
                *value = rows[position / size * width + x * size + position % size];
            }
        }
    }

    /// [`PoolWindows::gather`] for windows of 2 x 2, without branches.
    fn gather_2x2<T: Real>(self, wide: &[T], argmax: &[u16], narrow: &mut [T]) {
        let width = self.width;
        widest!(|| {
            let rows = narrow
                .chunks_exact_mut(width / 2)
                .zip(argmax.chunks_exact(width / 2));
            for ((narrow, argmax), rows) in rows.zip(wide.chunks_exact(2 * width)) {
                let (top, bottom) = rows.split_at(width);
                gather_row(top.as_chunks().0, bottom.as_chunks().0, argmax, narrow);
            }
        });
    }

    /// 1 / n², which turns sums of windows into means.
    pub(crate) fn mean_factor<T: Real>(self) -> T {
        T::of(1.0 / (self.size * self.size) as f64)
    }

    /// Sums each window and multiplies by `factor`: average pooling, and the backward pass of
    /// upsampling.
    pub(crate) fn sum<T: Real>(self, wide: &[T], narrow: &mut [T], factor: T) {
        let PoolWindows { size, width } = self;
        for (narrow, rows) in narrow
            .chunks_exact_mut(width / size)
            .zip(wide.chunks_exact(size * width))
        {
            narrow.fill(T::ZERO);
            for row in rows.chunks_exact(width) {
                for (sum, values) in narrow.iter_mut().zip(row.chunks_exact(size)) {
                    *sum += values.iter().copied().sum();
                }
            }
            narrow.iter_mut().for_each(|sum| *sum *= factor);
        }
    }

    /// Fills each window with its value times `factor`: upsampling, and the backward pass of
    /// average pooling.
    pub(crate) fn repeat<T: Real>(self, narrow: &[T], wide: &mut [T], factor: T) {
        let PoolWindows { size, width } = self;
        for (narrow, rows) in narrow
            .chunks_exact(width / size)
            .zip(wide.chunks_exact_mut(size * width))
        {
            let (first, others) = rows.split_at_mut(width);
            for (value, window) in narrow.iter().zip(first.chunks_exact_mut(size)) {
                window.fill(*value * factor);
            }
            others
                .chunks_exact_mut(width)
                .for_each(|row| row.copy_from_slice(first));
        }
    }
}

/// Writes each value to its position in one row of windows of 2 x 2, and zeros elsewhere. The row begins with
/// the position `first`.
#[inline(always)]
fn scatter_row<T: Real>(narrow: &[T], argmax: &[u16], first: u16, row: &mut [[T; 2]]) {
    for ((value, at), pair) in narrow.iter().zip(argmax).zip(row) {
        let (value, at) = (*value, *at);
        // Each for itself: the compiler does not vectorize stores of pairs.
        pair[0] = if at == first { value } else { T::ZERO };
        pair[1] = if at == first + 1 { value } else { T::ZERO };
    }
}

/// [`PoolWindows::gather`] for one row of windows of 2 x 2.
#[inline(always)]
fn gather_row<T: Real>(top: &[[T; 2]], bottom: &[[T; 2]], argmax: &[u16], narrow: &mut [T]) {
    for (((value, at), top), bottom) in narrow.iter_mut().zip(argmax).zip(top).zip(bottom) {
        let (at, &[a, b], &[c, d]) = (*at, top, bottom);
        // A sum of four, because the compiler turns nested choices into slow loads from chosen addresses.
        let value_at = |k, value| if at == k { value } else { T::ZERO };
        *value = (value_at(0, a) + value_at(1, b)) + (value_at(2, c) + value_at(3, d));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_pooling_records_positions_that_scatter_and_gather_use() {
        // import torch; from torch.nn.functional import max_pool2d
        // x = torch.tensor([[1., 5, 0, 0], [7, 2, 0, 0], [3, 3, -1, -2], [3, 3, -4, -1]])
        // max_pool2d(x[None, None], 2, return_indices=True): 7, 0, 3, -1 at 4, 2, 8, 10
        let wide = [
            1.0, 5.0, 0.0, 0.0, 7.0, 2.0, 0.0, 0.0, 3.0, 3.0, -1.0, -2.0, 3.0, 3.0, -4.0, -1.0,
        ];
        let windows = PoolWindows { size: 2, width: 4 };
        let (mut narrow, mut argmax) = ([0.0; 4], [9; 4]);
        windows.max(&wide, &mut narrow, &mut argmax);
        assert_eq!((narrow, argmax), ([7.0, 0.0, 3.0, -1.0], [2, 0, 0, 0]));
        let mut scattered = [9.0; 16];
        windows.scatter(&[1.0, 2.0, 3.0, 4.0], &argmax, &mut scattered);
        assert_eq!(
            scattered,
            [
                0.0, 0.0, 2.0, 0.0, 1.0, 0.0, 0.0, 0.0, 3.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0
            ]
        );
        let mut gathered = [0.0; 4];
        windows.gather(&scattered, &argmax, &mut gathered);
        assert_eq!(gathered, [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn ties_go_to_the_first_maximum() {
        let windows = PoolWindows { size: 3, width: 3 };
        let wide = [0.0, 1.0, 2.0, 8.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let (mut narrow, mut argmax) = ([0.0], [9]);
        windows.max(&wide, &mut narrow, &mut argmax);
        assert_eq!((narrow, argmax), ([8.0], [3]));
    }

    #[test]
    fn nan_wins_max_pooling() {
        for (size, wide) in [
            (2, vec![f32::NAN, 1.0, 2.0, 0.0]),
            (3, vec![f32::NAN, 1.0, 2.0, 0.0, 3.0, 1.0, 0.0, 4.0, 0.0]),
        ] {
            let windows = PoolWindows { size, width: size };
            let mut narrow = [0.0];
            windows.max(&wide, &mut narrow, &mut [9]);
            assert!(narrow[0].is_nan(), "{size}");
        }
    }

    #[test]
    fn sum_and_repeat_are_transposes_of_each_other() {
        let windows = PoolWindows { size: 2, width: 4 };
        let wide: Vec<f64> = (0..8).map(f64::from).collect();
        let mut sums = [0.0; 2];
        windows.sum(&wide, &mut sums, windows.mean_factor());
        assert_eq!(sums, [2.5, 4.5]);
        let mut repeated = [0.0; 8];
        windows.repeat(&sums, &mut repeated, 2.0);
        assert_eq!(repeated, [5.0, 5.0, 9.0, 9.0, 5.0, 5.0, 9.0, 9.0]);
    }
}
