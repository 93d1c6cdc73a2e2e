//! Codes of which only the largest values are kept.
//!
//! Makhzani and Frey, "k-sparse autoencoders", 2013.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::variable::LayerVars;
use crate::math::{Interval, Real};
use candle_core::{D, DType, Tensor};
use std::sync::Arc;

/// Keeps this number of values of each image, and sets the others to zero.
#[derive(Debug)]
pub(crate) struct TopK(pub(crate) usize);

impl LayerKind for TopK {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        match *input {
            [n] if (1..=n).contains(&self.0) => Ok(vec![n]),
            [n] => reject(
                format!("1 to {n} values to keep, the size of the code"),
                self.0,
                "A tenth of the code is common",
            ),
            _ => reject("flat features", shape(input), "Put Flatten before it"),
        }
    }

    fn output_range(&self, input: Interval) -> Interval {
        input.with(0.0)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        // On the host, by the comparison of the CPU op: candle's sort is not stable.
        let units = xs.dim(D::Minus1)?;
        let values = host_values(xs)?;
        let mut mask = vec![0f32; values.len()];
        let mut order = Vec::new();
        for (row, mask) in values.chunks_exact(units).zip(mask.chunks_exact_mut(units)) {
            largest(row, self.0, &mut order).for_each(|i| mask[i] = 1.0);
        }
        masked(xs, mask)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(TopK(self.0)))
    }
}

impl CpuOp for TopK {
    fn stands_alone(&self) -> bool {
        true
    }
}

impl<T: Real> Arithmetic<T> for TopK {
    /// The kept values of each image, by their index.
    fn workspace(&self, shape: OpShape, training: bool) -> Workspace<T> {
        let rows = if training { shape.rows } else { 0 };
        Workspace {
            indices: vec![0; rows * self.0],
            order: Vec::with_capacity(shape.inputs),
            ..Workspace::default()
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
        let Workspace { indices, order, .. } = &mut workspaces[shape.stage];
        let rows = x
            .chunks_exact(shape.inputs)
            .zip(y.chunks_exact_mut(shape.inputs));
        for (row, (x, y)) in rows.enumerate() {
            y.fill(T::ZERO);
            for (nth, i) in largest(x, self.0, order).enumerate() {
                y[i] = x[i];
                if let Some(index) = indices.get_mut(row * self.0 + nth) {
                    *index = i as u32;
                }
            }
        }
    }

    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        let Some(dx) = args.dx else { return };
        dx.fill(T::ZERO);
        let kept = workspaces[shape.stage].indices.chunks_exact(self.0);
        let rows = dx
            .chunks_exact_mut(shape.inputs)
            .zip(args.dy.chunks_exact(shape.inputs));
        for ((dx, dy), kept) in rows.zip(kept) {
            for &i in kept {
                dx[i as usize] = dy[i as usize];
            }
        }
    }
}

/// Values of a tensor in `f32`, on the host.
pub(super) fn host_values(tensor: &Tensor) -> Result<Vec<f32>> {
    let flat = tensor.detach().to_dtype(DType::F32)?.flatten_all()?;
    Ok(flat.to_vec1()?)
}

/// The values where the mask, of 0 and 1, is 1; elsewhere 0.
pub(super) fn masked(xs: &Tensor, mask: Vec<f32>) -> Result<Tensor> {
    let mask = Tensor::from_vec(mask, xs.shape(), xs.device())?;
    Ok((xs * mask.to_dtype(xs.dtype())?)?)
}

/// Indices of the `k` largest values. Of equal values, the first are kept. NaN counts as the largest,
/// so that training detects it.
pub(super) fn largest<'a, T: Real>(
    values: &[T],
    k: usize,
    order: &'a mut Vec<u32>,
) -> impl Iterator<Item = usize> + 'a {
    order.clear();
    order.extend(0..values.len() as u32);
    let key = |i: u32| -> f64 {
        let value: f64 = values[i as usize].into();
        if value.is_nan() { f64::INFINITY } else { value }
    };
    if k < values.len() {
        order.select_nth_unstable_by(k - 1, |&a, &b| key(b).total_cmp(&key(a)).then(a.cmp(&b)));
    }
    order[..k].iter().map(|&i| i as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(values: &[f32], k: usize) -> Vec<usize> {
        let mut order = Vec::new();
        let mut kept: Vec<usize> = largest(values, k, &mut order).collect();
        kept.sort_unstable();
        kept
    }

    #[test]
    fn the_largest_values_are_kept_and_the_first_of_equal_ones() {
        assert_eq!(kept(&[0.1, 3.0, -2.0, 0.5, 0.2], 2), [1, 3]);
        assert_eq!(kept(&[0.0, 0.0, 0.0, 0.0], 2), [0, 1]);
        assert_eq!(kept(&[1.0, f32::NAN, 2.0], 1), [1]);
        assert_eq!(kept(&[1.0, 2.0], 2), [0, 1]);
    }

    #[test]
    fn more_values_than_the_code_has_are_rejected() {
        assert_eq!(TopK(3).output_shape(&[8]), Ok(vec![8]));
        for (k, input) in [(0, &[8][..]), (9, &[8]), (2, &[1, 4, 4])] {
            assert!(TopK(k).output_shape(input).is_err());
        }
    }
}
