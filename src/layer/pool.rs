//! Max-pooling that remembers where each maximum was, and unpooling that puts values back there.
//!
//! Of equal values the first counts, row by row, as in PyTorch; with ReLU, ties of zeros are common.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::misfit::{Fitted, misfit, picture};
use crate::layer::operation::{
    ForwardContext, LayerKind, LayerShapes, LayerVars, LowerContext, Lowered,
};
use crate::math::{Real, widest};
use candle_core::{D, DType, Tensor};
use std::sync::Arc;

/// Holds the rows and columns of a window.
pub(crate) struct MaxPool(pub(crate) usize);

impl LayerKind for MaxPool {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        narrowed(input, self.0)
    }

    fn tensor(
        &self,
        xs: &Tensor,
        _own: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let windows = windows(xs, self.0)?;
        let chosen =
            chosen(&windows.detach().argmax_keepdim(D::Minus1)?, self.0)?.to_dtype(xs.dtype())?;
        let ys = (windows * &chosen)?.sum(D::Minus1)?;
        context.passed.switches.push(chosen);
        Ok(ys)
    }

    fn lower(&self, shapes: LayerShapes<'_>, links: &mut LowerContext) -> Lowered {
        links.pools.push(links.next);
        Lowered::CpuOp(Arc::new(Maxima(PoolWindows {
            size: self.0,
            width: shapes.before[2],
        })))
    }
}

/// Holds the rows and columns of a window.
pub(crate) struct MaxUnpool(pub(crate) usize);

impl LayerKind for MaxUnpool {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        widened(input, self.0)
    }

    fn tensor(
        &self,
        xs: &Tensor,
        _own: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let (n, (b, c, h, w)) = (self.0, xs.dims4()?);
        let chosen = match context.passed.switches.pop() {
            Some(chosen) => chosen,
            None => chosen(&Tensor::zeros((b, c, h, w, 1), DType::U32, xs.device())?, n)?,
        };
        let spread = chosen
            .to_dtype(xs.dtype())?
            .broadcast_mul(&xs.unsqueeze(D::Minus1)?)?;
        // (b, c, h, w, n*n) -> (b, c, h*n, w*n)
        Ok(spread
            .reshape((b, c, h, w, n, n))?
            .permute((0, 1, 2, 4, 3, 5))?
            .reshape((b, c, h * n, w * n))?)
    }

    fn lower(&self, shapes: LayerShapes<'_>, links: &mut LowerContext) -> Lowered {
        let windows = PoolWindows {
            size: self.0,
            width: shapes.after[2],
        };
        Lowered::CpuOp(Arc::new(Unpool {
            windows,
            paired: links.pools.pop(),
        }))
    }
}

/// The shape after windows of n x n.
pub(crate) fn narrowed(input: &[usize], n: usize) -> Fitted {
    let (c, h, w) = picture(input)?;
    if !(1..=255).contains(&n) {
        return misfit(
            "a window of 1 to 255 rows and columns",
            n,
            "2 halves height and width",
        );
    }
    if !h.is_multiple_of(n) || !w.is_multiple_of(n) {
        let hint = "Choose pictures of such a size, or another window";
        return misfit(
            format!("a height and width divisible by {n}"),
            format!("{h} x {w}"),
            hint,
        );
    }
    Ok(vec![c, h / n, w / n])
}

/// The shape after each value has become a window of n x n.
pub(crate) fn widened(input: &[usize], n: usize) -> Fitted {
    let (c, h, w) = picture(input)?;
    if !(1..=255).contains(&n) {
        return misfit(
            "a window of 1 to 255 rows and columns",
            n,
            "2 undoes a pooling by 2",
        );
    }
    Ok(vec![c, h.saturating_mul(n), w.saturating_mul(n)])
}

/// The windows of n x n, each in a row.
///
/// # Shapes
/// (b, c, h, w) -> (b, c, h/n, w/n, n*n)
pub(crate) fn windows(xs: &Tensor, n: usize) -> candle_core::Result<Tensor> {
    let (b, c, h, w) = xs.dims4()?;
    let (h, w) = (h / n, w / n);
    xs.reshape((b, c, h, n, w, n))?
        .permute((0, 1, 2, 4, 3, 5))?
        .reshape((b, c, h, w, n * n))?
        .contiguous()
}

/// 1 in each window's place, 0 elsewhere: candle's gradients of gathering and scattering do not hold here.
///
/// # Shapes
/// (b, c, h, w, 1) -> (b, c, h, w, n*n)
fn chosen(places: &Tensor, n: usize) -> candle_core::Result<Tensor> {
    let all = Tensor::arange(0, (n * n) as u32, places.device())?;
    places
        .broadcast_eq(&all.reshape((1, 1, 1, 1, n * n))?)?
        .to_dtype(DType::F32)
}

/// The largest value of each window.
#[derive(Debug)]
struct Maxima(PoolWindows);

impl CpuOp for Maxima {}

impl<T: Real> Arithmetic<T> for Maxima {
    fn workspace(&self, here: OpShape, _training: bool) -> Workspace<T> {
        Workspace {
            places: vec![0; here.rows * here.outputs],
            ..Workspace::default()
        }
    }

    fn forward(
        &self,
        here: OpShape,
        x: &[T],
        y: &mut [T],
        _given: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        self.0.maxima(
            x,
            y,
            &mut workspaces[here.stage].places[..here.rows * here.outputs],
        );
    }

    fn backward(&self, here: OpShape, back: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        if let BackwardArgs {
            dy, dx: Some(dx), ..
        } = back
        {
            self.0
                .spread(dy, &workspaces[here.stage].places[..dy.len()], dx);
        }
    }
}

/// With the stage whose maxima it puts back, if there is one. Else values go to the upper left.
#[derive(Debug)]
struct Unpool {
    windows: PoolWindows,
    paired: Option<usize>,
}

impl CpuOp for Unpool {}

impl<T: Real> Arithmetic<T> for Unpool {
    fn workspace(&self, here: OpShape, _training: bool) -> Workspace<T> {
        let own = if self.paired.is_some() {
            0
        } else {
            here.rows * here.inputs
        };
        Workspace {
            places: vec![0; own],
            ..Workspace::default()
        }
    }

    fn forward(
        &self,
        here: OpShape,
        x: &[T],
        y: &mut [T],
        _given: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        self.windows.spread(
            x,
            &workspaces[self.paired.unwrap_or(here.stage)].places[..x.len()],
            y,
        );
    }

    fn backward(&self, here: OpShape, back: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        if let BackwardArgs {
            dy, dx: Some(dx), ..
        } = back
        {
            self.windows.collect(
                dy,
                &workspaces[self.paired.unwrap_or(here.stage)].places[..dx.len()],
                dx,
            );
        }
    }
}

/// Windows of `size` x `size` without overlap, over maps of one width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PoolWindows {
    pub(crate) size: usize,
    /// Width of the wide maps. Their height is a whole number of windows, so that maps need not be told apart.
    pub(crate) width: usize,
}

impl PoolWindows {
    /// The largest value of each window, and its place in it, row by row.
    fn maxima<T: Real>(self, wide: &[T], narrow: &mut [T], places: &mut [u16]) {
        let PoolWindows { size, width } = self;
        if size == 2 {
            return self.maxima_of_two(wide, narrow, places);
        }
        let rows = narrow
            .chunks_exact_mut(width / size)
            .zip(places.chunks_exact_mut(width / size));
        for ((narrow, places), rows) in rows.zip(wide.chunks_exact(size * width)) {
            for (x, (value, place)) in narrow.iter_mut().zip(places).enumerate() {
                (*value, *place) = (rows[x * size], 0);
                for k in 1..size * size {
                    let other = rows[k / size * width + x * size + k % size];
                    if other > *value || other.is_nan() {
                        (*value, *place) = (other, k as u16);
                    }
                }
            }
        }
    }

    /// Windows of two by two, without branches.
    fn maxima_of_two<T: Real>(self, wide: &[T], narrow: &mut [T], places: &mut [u16]) {
        let width = self.width;
        widest!(|| {
            let rows = narrow
                .chunks_exact_mut(width / 2)
                .zip(places.chunks_exact_mut(width / 2));
            for ((narrow, places), rows) in rows.zip(wide.chunks_exact(2 * width)) {
                let (above, below) = rows.split_at(width);
                let pairs = above
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .zip(below.as_chunks::<2>().0);
                for ((value, place), ([a, b], [c, d])) in narrow.iter_mut().zip(places).zip(pairs) {
                    // A value that is no number wins, so that it is not lost.
                    let later = |old: T, new: T| new > old || new.is_nan();
                    let (mut best, mut at) = (*a, 0);
                    (best, at) = if later(best, *b) { (*b, 1) } else { (best, at) };
                    (best, at) = if later(best, *c) { (*c, 2) } else { (best, at) };
                    (best, at) = if later(best, *d) { (*d, 3) } else { (best, at) };
                    (*value, *place) = (best, at);
                }
            }
        });
    }

    /// Puts each value in its place of its window, zero elsewhere: unpooling, and the way back of pooling.
    fn spread<T: Real>(self, narrow: &[T], places: &[u16], wide: &mut [T]) {
        let PoolWindows { size, width } = self;
        wide.fill(T::ZERO);
        if size == 2 {
            let rows = narrow
                .chunks_exact(width / 2)
                .zip(places.chunks_exact(width / 2));
            for ((narrow, places), rows) in rows.zip(wide.chunks_exact_mut(2 * width)) {
                for (x, (value, place)) in narrow.iter().zip(places).enumerate() {
                    let place = usize::from(*place);
                    rows[(place >> 1) * width + 2 * x + (place & 1)] = *value;
                }
            }
            return;
        }
        let rows = narrow
            .chunks_exact(width / size)
            .zip(places.chunks_exact(width / size));
        for ((narrow, places), rows) in rows.zip(wide.chunks_exact_mut(size * width)) {
            for (x, (value, place)) in narrow.iter().zip(places).enumerate() {
                let place = usize::from(*place);
                rows[place / size * width + x * size + place % size] = *value;
            }
        }
    }

    /// Takes from each window the value in its place: the way back of unpooling.
    fn collect<T: Real>(self, wide: &[T], places: &[u16], narrow: &mut [T]) {
        let PoolWindows { size, width } = self;
        if size == 2 {
            let rows = narrow
                .chunks_exact_mut(width / 2)
                .zip(places.chunks_exact(width / 2));
            for ((narrow, places), rows) in rows.zip(wide.chunks_exact(2 * width)) {
                for (x, (value, place)) in narrow.iter_mut().zip(places).enumerate() {
                    let place = usize::from(*place);
                    *value = rows[(place >> 1) * width + 2 * x + (place & 1)];
                }
            }
            return;
        }
        let rows = narrow
            .chunks_exact_mut(width / size)
            .zip(places.chunks_exact(width / size));
        for ((narrow, places), rows) in rows.zip(wide.chunks_exact(size * width)) {
            for (x, (value, place)) in narrow.iter_mut().zip(places).enumerate() {
                let place = usize::from(*place);
                *value = rows[place / size * width + x * size + place % size];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maxima_are_found_with_their_places_and_put_back() {
        // import torch; x = torch.tensor([[1., 5, 0, 0], [7, 2, 0, 0], [3, 3, -1, -2], [3, 3, -4, -1]])
        // torch.nn.functional.max_pool2d(x[None, None], 2, return_indices=True): 7, 0, 3, -1 at 4, 2, 8, 10
        let wide = [
            1.0, 5.0, 0.0, 0.0, 7.0, 2.0, 0.0, 0.0, 3.0, 3.0, -1.0, -2.0, 3.0, 3.0, -4.0, -1.0,
        ];
        let pool = PoolWindows { size: 2, width: 4 };
        let (mut narrow, mut places) = ([0.0; 4], [9; 4]);
        pool.maxima(&wide, &mut narrow, &mut places);
        assert_eq!((narrow, places), ([7.0, 0.0, 3.0, -1.0], [2, 0, 0, 0]));
        let mut back = [9.0; 16];
        pool.spread(&[1.0, 2.0, 3.0, 4.0], &places, &mut back);
        assert_eq!(
            back,
            [
                0.0, 0.0, 2.0, 0.0, 1.0, 0.0, 0.0, 0.0, 3.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0
            ]
        );
        let mut taken = [0.0; 4];
        pool.collect(&back, &places, &mut taken);
        assert_eq!(taken, [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn larger_windows_and_values_that_are_no_numbers() {
        let pool = PoolWindows { size: 3, width: 3 };
        let wide = [0.0, 1.0, 2.0, 8.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let (mut narrow, mut places) = ([0.0], [9]);
        pool.maxima(&wide, &mut narrow, &mut places);
        assert_eq!((narrow, places), ([8.0], [3]), "the first of equal values");
        let pool = PoolWindows { size: 2, width: 2 };
        pool.maxima(&[f32::NAN, 1.0, 2.0, 0.0], &mut narrow, &mut places);
        assert!(narrow[0].is_nan());
    }
}
