//! Moments of one variable where they are kept, and its update.

use super::moments::{DeviceMoments, MOMENTS, Moments};
use super::update::{Update, UpdateRule};
use crate::candle_threads::{JOB_VALUES, for_each_block};
use crate::cpu_values;
use crate::error::Result;
use candle_core::{CpuStorage, DType, Device, InplaceOp2, Layout, Tensor, Var};
use std::cell::RefCell;

/// Moments of one variable.
#[derive(Debug)]
pub(crate) enum MomentStore {
    /// f32 variables on the CPU: updated in place.
    Host(Moments),
    /// All others: updated by tensor operations.
    Device(DeviceMoments),
}

impl MomentStore {
    /// Moments before the first step.
    pub(crate) fn new(var: &Var, rule: &UpdateRule) -> Result<Self> {
        if let (Device::Cpu, DType::F32) = (var.device(), var.dtype()) {
            return Ok(MomentStore::Host(rule.initial_moments(var.elem_count())));
        }
        let filled = |values: &Vec<f64>| match values.first() {
            Some(value) => Ok(Some(var.zeros_like()?.affine(0.0, *value)?)),
            None => Ok(None),
        };
        let moments = rule.initial_moments(1);
        Ok(MomentStore::Device(of_each(&moments, filled)?))
    }

    /// Updates a variable and its moments.
    pub(crate) fn update(&mut self, var: &Var, gradient: &Tensor, update: Update) -> Result<()> {
        match self {
            MomentStore::Host(moments) => {
                let moments = RefCell::new(moments);
                let op = UpdateOp { update, moments };
                var.inplace_op2(&gradient.contiguous()?, &op)?;
            }
            MomentStore::Device(moments) => {
                var.set(&update.apply_on_device(var.as_tensor(), gradient, moments)?)?;
            }
        }
        Ok(())
    }

    /// The moments on the CPU.
    pub(crate) fn to_host(&self) -> Result<Moments> {
        let values = |tensor: &Option<Tensor>| -> Result<Vec<f32>> {
            match tensor {
                Some(tensor) => Ok(tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?),
                None => Ok(Vec::new()),
            }
        };
        match self {
            MomentStore::Host(moments) => Ok(moments.clone()),
            MomentStore::Device(moments) => of_each(moments, values),
        }
    }

    /// Takes over moments of an earlier run.
    pub(crate) fn restore(&mut self, var: &Var, moments: &Moments) -> Result<()> {
        let tensor = |values: &Vec<f32>| -> Result<Option<Tensor>> {
            if values.is_empty() {
                return Ok(None);
            }
            let tensor = Tensor::from_slice(values, var.shape(), var.device())?;
            Ok(Some(tensor.to_dtype(var.dtype())?))
        };
        *self = match self {
            MomentStore::Host(_) => MomentStore::Host(moments.clone()),
            MomentStore::Device(_) => MomentStore::Device(of_each(moments, tensor)?),
        };
        Ok(())
    }
}

/// Applies a function to each moment.
fn of_each<A, B: Default>(
    moments: &[A; MOMENTS],
    f: impl Fn(&A) -> Result<B>,
) -> Result<[B; MOMENTS]> {
    let mut all: [B; MOMENTS] = Default::default();
    for (to, from) in all.iter_mut().zip(moments) {
        *to = f(from)?;
    }
    Ok(all)
}

/// Update of one f32 variable on the CPU, as a candle op.
struct UpdateOp<'a> {
    update: Update,
    /// candle passes an op by shared reference.
    moments: RefCell<&'a mut Moments>,
}

impl InplaceOp2 for UpdateOp<'_> {
    fn name(&self) -> &'static str {
        "optimizer"
    }

    fn cpu_fwd(
        &self,
        values: &mut CpuStorage,
        layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        let gradient = cpu_values::values::<f32>(gradient, gradient_layout)?;
        let (CpuStorage::F32(values), Some((start, end))) = (values, layout.contiguous_offsets())
        else {
            candle_core::bail!("optimizer: expected contiguous f32 variables");
        };
        let (expected, got) = (end - start, gradient.len());
        if expected != got {
            candle_core::bail!("optimizer: expected {expected} gradients, got {got}");
        }
        let mut moments = self.moments.borrow_mut();
        let mut moments = moments
            .each_mut()
            .map(|moment| moment.chunks_mut(JOB_VALUES));
        let blocks = values[start..end]
            .chunks_mut(JOB_VALUES)
            .zip(gradient.chunks(JOB_VALUES))
            .map(|slices| {
                let moments = moments.each_mut();
                (
                    slices,
                    moments.map(|moment| moment.next().unwrap_or_default()),
                )
            });
        let update = self.update;
        for_each_block(gradient.len(), blocks, |((values, gradient), moments)| {
            update.apply(values, gradient, moments);
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::groups::GroupRates;
    use crate::optim::settings::Optim;

    #[test]
    fn moments_survive_the_way_to_the_host_and_back() {
        for dtype in [DType::F32, DType::F64] {
            let rule = UpdateRule::new(Optim::adam(), 0.1, vec![GroupRates::default()]);
            let var = Var::zeros((2, 2), dtype, &Device::Cpu).unwrap();
            let mut store = MomentStore::new(&var, &rule).unwrap();
            assert_eq!(
                store.to_host().unwrap(),
                [vec![0.0; 4], vec![0.0; 4], vec![]]
            );
            let moments = [vec![1.0, 2.0, 3.0, 4.0], vec![0.5; 4], vec![]];
            store.restore(&var, &moments).unwrap();
            assert_eq!(store.to_host().unwrap(), moments);
        }
    }
}
