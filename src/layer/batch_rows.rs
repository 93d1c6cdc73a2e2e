//! A rank's images of a batch: those of the other ranks come through the host, with gradients.

use crate::dist::{Summand, World};
use crate::error::Result;
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Shape, Tensor};
use std::ops::Range;

/// Images of a batch that this rank has.
#[derive(Clone, Debug)]
pub(crate) struct BatchRows {
    pub(crate) world: World,
    /// Number of the first image in the batch.
    pub(crate) first: usize,
    pub(crate) count: usize,
    /// Images of the whole batch.
    pub(crate) total: usize,
}

impl BatchRows {
    /// Part of the batch's images that the rank has.
    pub(crate) fn share(&self) -> f64 {
        self.count as f64 / self.total as f64
    }

    /// (rows, ..) -> (total, ..)
    pub(crate) fn gather(&self, xs: &Tensor) -> Result<Tensor> {
        let op = GatherRows {
            world: self.world.clone(),
            rows: self.first..self.first + self.count,
            total: self.total,
        };
        on_host(xs, |xs| Ok(xs.apply_op1(op)?))
    }

    /// Sum over all ranks, of the same shape.
    ///
    /// # Errors
    /// A rank that is gone.
    pub(crate) fn sum(&self, xs: &Tensor) -> Result<Tensor> {
        let world = self.world.clone();
        on_host(xs, |xs| Ok(xs.apply_op1(SumOverRanks { world })?))
    }
}

/// Runs an op on the CPU, in full precision, whatever the tensor's device and type.
fn on_host(xs: &Tensor, op: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let (device, dtype) = (xs.device().clone(), xs.dtype());
    let full = if dtype == DType::F64 {
        dtype
    } else {
        DType::F32
    };
    let host = xs.to_device(&Device::Cpu)?.to_dtype(full)?.contiguous()?;
    Ok(op(&host)?.to_device(&device)?.to_dtype(dtype)?)
}

fn failed(error: impl std::fmt::Display) -> candle_core::Error {
    candle_core::Error::Msg(error.to_string())
}

/// An op on a rank's values, in `f32` and `f64`.
trait RankOp {
    fn run<T: Summand>(&self, own: &[T]) -> Result<Vec<T>>;
}

/// Runs an op on the values of a contiguous tensor.
fn on_values(
    op: &impl RankOp,
    storage: &CpuStorage,
    layout: &Layout,
    shape: Shape,
) -> candle_core::Result<(CpuStorage, Shape)> {
    let range = layout
        .contiguous_offsets()
        .ok_or_else(|| failed("expected a contiguous tensor"))?;
    let storage = match storage {
        CpuStorage::F32(values) => {
            CpuStorage::F32(op.run(&values[range.0..range.1]).map_err(failed)?)
        }
        CpuStorage::F64(values) => {
            CpuStorage::F64(op.run(&values[range.0..range.1]).map_err(failed)?)
        }
        _ => return Err(failed("expected values of f32 or f64")),
    };
    Ok((storage, shape))
}

/// Rows of all ranks, one after the other.
struct GatherRows {
    world: World,
    rows: Range<usize>,
    total: usize,
}

impl RankOp for GatherRows {
    fn run<T: Summand>(&self, own: &[T]) -> Result<Vec<T>> {
        let width = own.len() / self.rows.len();
        self.world.gather_rows(own, self.total, width)
    }
}

impl CustomOp1 for GatherRows {
    fn name(&self) -> &'static str {
        "gather-rows"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let mut dims = layout.dims().to_vec();
        dims[0] = self.total;
        let shape = Shape::from(dims);
        on_values(self, storage, layout, shape)
    }

    /// Every rank has used the row: its gradient is the sum over all ranks.
    fn bwd(
        &self,
        _xs: &Tensor,
        _ys: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        let world = self.world.clone();
        let sum = gradient.contiguous()?.apply_op1(SumOverRanks { world })?;
        sum.narrow(0, self.rows.start, self.rows.len()).map(Some)
    }
}

/// Sum over all ranks.
struct SumOverRanks {
    world: World,
}

impl RankOp for SumOverRanks {
    fn run<T: Summand>(&self, own: &[T]) -> Result<Vec<T>> {
        let mut values = own.to_vec();
        self.world.sum(&mut values)?;
        Ok(values)
    }
}

impl CustomOp1 for SumOverRanks {
    fn name(&self) -> &'static str {
        "sum-over-ranks"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let shape = layout.shape().clone();
        on_values(self, storage, layout, shape)
    }

    /// All ranks have used the sum.
    fn bwd(
        &self,
        _xs: &Tensor,
        _ys: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        let world = self.world.clone();
        gradient
            .contiguous()?
            .apply_op1(SumOverRanks { world })
            .map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::on_threads;
    use candle_core::Var;

    /// Gradient of Σ w x² over the rows of 3 ranks, after `f`, by x.
    #[test]
    fn gathered_and_summed_values_have_gradients_of_all_ranks() {
        let results = on_threads(2, |world| {
            let rows = world.rows(3);
            let values: Vec<f64> = rows.clone().map(|row| row as f64 + 1.0).collect();
            let x = Var::from_vec(values, (rows.len(), 1), &Device::Cpu).unwrap();
            let batch = BatchRows {
                world: world.clone(),
                first: rows.start,
                count: rows.len(),
                total: 3,
            };
            // Each rank's loss is rank + 1 times (x1 + x2 + x3)^2.
            let sum = batch.sum(&x.sum_all().unwrap()).unwrap();
            let all = batch.gather(&x).unwrap();
            assert_eq!(
                all.flatten_all().unwrap().to_vec1::<f64>().unwrap(),
                [1.0, 2.0, 3.0]
            );
            let weight = world.rank() as f64 + 1.0;
            let loss = (sum.sqr().unwrap() * weight).unwrap();
            let of_sum = loss.backward().unwrap().get(&x).unwrap().clone();
            let loss = (all.sqr().unwrap().sum_all().unwrap() * weight).unwrap();
            let of_rows = loss.backward().unwrap().get(&x).unwrap().clone();
            [of_sum, of_rows].map(|g| g.flatten_all().unwrap().to_vec1::<f64>().unwrap())
        });
        // (1 + 2) * 2 * 6, and (1 + 2) * 2 x.
        assert_eq!(results[0], [vec![36.0], vec![6.0]]);
        assert_eq!(results[1], [vec![36.0, 36.0], vec![12.0, 18.0]]);
    }
}
