//! Sums of gradients over ranks, on any device: through the host, or by NCCL between GPUs.

use crate::dist::World;
use crate::error::Result;
#[cfg(feature = "nccl")]
use crate::optim::nccl::GpuSum;
use candle_core::{DType, Device, Tensor};

/// Sums gradients over the ranks of a world.
#[derive(Debug, Default)]
pub(crate) struct GradientSum {
    world: World,
    #[cfg(feature = "nccl")]
    gpu: Option<GpuSum>,
}

impl GradientSum {
    /// The sum for gradients on a device.
    ///
    /// # Errors
    /// A rank that is gone.
    pub(crate) fn new(world: World, device: &Device) -> Result<Self> {
        let _ = device;
        Ok(GradientSum {
            #[cfg(feature = "nccl")]
            gpu: GpuSum::new(&world, device)?,
            world,
        })
    }

    /// Sums each gradient over all ranks.
    ///
    /// # Errors
    /// A rank that is gone.
    pub(crate) fn sum(&self, tensors: &mut [Option<Tensor>]) -> Result<()> {
        if self.world.is_alone() {
            return Ok(());
        }
        #[cfg(feature = "nccl")]
        if let Some(gpu) = &self.gpu {
            return tensors.iter_mut().flatten().try_for_each(|tensor| {
                *tensor = gpu.sum(tensor)?;
                Ok(())
            });
        }
        self.sum_on_host(tensors)
    }

    fn sum_on_host(&self, tensors: &mut [Option<Tensor>]) -> Result<()> {
        let mut values = Vec::new();
        for tensor in tensors.iter().flatten() {
            let host = tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
            values.extend(host.flatten_all()?.to_vec1::<f32>()?);
        }
        self.world.sum(&mut values)?;
        let mut rest = values.as_slice();
        for tensor in tensors.iter_mut().flatten() {
            let sums;
            (sums, rest) = rest.split_at(tensor.elem_count());
            let sums = Tensor::from_slice(sums, tensor.shape(), &Device::Cpu)?;
            *tensor = sums.to_device(tensor.device())?.to_dtype(tensor.dtype())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::on_threads;

    #[test]
    fn gradients_keep_their_shapes_and_missing_ones_stay_missing() {
        let sums = on_threads(2, |world| {
            let value = world.rank() as f32 + 1.0;
            let tensor = |shape: &[usize]| Tensor::full(value, shape, &Device::Cpu).unwrap();
            let mut gradients = [Some(tensor(&[2, 1])), None, Some(tensor(&[3]))];
            let sum = GradientSum::new(world, &Device::Cpu).unwrap();
            sum.sum(&mut gradients).unwrap();
            gradients.map(|gradient| {
                gradient.map(|g| {
                    (
                        g.dims().to_vec(),
                        g.sum_all().unwrap().to_scalar::<f32>().unwrap(),
                    )
                })
            })
        });
        let expected = [Some((vec![2, 1], 6.0)), None, Some((vec![3], 9.0))];
        assert_eq!(sums, [expected.clone(), expected]);
    }
}
