//! Results of inference, which has no gradients.
//!
//! A loss of such a result would train nothing, without an error: candle's optimizers skip
//! variables that have no gradient. Its backward pass therefore fails.

use crate::error::Result;
use crate::lock::lock;
use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, Layout, MetalStorage, Shape, Storage, Tensor, Var, bail,
};
use std::sync::Mutex;

/// Creates a CPU tensor whose backward pass is an error. `var` is any variable of the model.
pub(crate) fn without_gradient(values: Vec<f32>, shape: &[usize], var: &Var) -> Result<Tensor> {
    let op = WithoutGradient {
        shape: Shape::from(shape),
        output: Output::Values(Mutex::new(values)),
    };
    Ok(var.as_tensor().apply_op1(op)?)
}

/// Replaces the gradients of a tensor on any device by an error. A model without variables has none.
pub(crate) fn drop_gradient(output: &Tensor, var: Option<&Var>) -> Result<Tensor> {
    let output = output.detach().contiguous()?;
    let Some(var) = var else {
        return Ok(output);
    };
    let op = WithoutGradient {
        shape: output.shape().clone(),
        output: Output::Tensor(output),
    };
    Ok(var.as_tensor().apply_op1(op)?)
}

struct WithoutGradient {
    shape: Shape,
    output: Output,
}

enum Output {
    /// Moved out by the forward pass.
    Values(Mutex<Vec<f32>>),
    Tensor(Tensor),
}

impl WithoutGradient {
    /// Copies the output on its own device. `storage` selects the kind of device.
    fn copy<S: BackendStorage>(
        &self,
        storage: impl Fn(&Storage) -> Option<&S>,
    ) -> candle_core::Result<(S, Shape)> {
        if let Output::Tensor(tensor) = &self.output {
            let (found, layout) = tensor.storage_and_layout();
            if let Some(storage) = storage(&found) {
                return Ok((storage.try_clone(layout)?, self.shape.clone()));
            }
        }
        bail!("inference: expected an output on the device of the model")
    }
}

impl CustomOp1 for WithoutGradient {
    fn name(&self) -> &'static str {
        "inference"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        match &self.output {
            Output::Values(values) => {
                let values = std::mem::take(&mut *lock(values));
                Ok((CpuStorage::F32(values), self.shape.clone()))
            }
            Output::Tensor(_) => self.copy(|storage| match storage {
                Storage::Cpu(storage) => Some(storage),
                _ => None,
            }),
        }
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        self.copy(|storage| match storage {
            Storage::Cuda(storage) => Some(storage),
            _ => None,
        })
    }

    fn metal_fwd(
        &self,
        _: &MetalStorage,
        _: &Layout,
    ) -> candle_core::Result<(MetalStorage, Shape)> {
        self.copy(|storage| match storage {
            Storage::Metal(storage) => Some(storage),
            _ => None,
        })
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> candle_core::Result<Option<Tensor>> {
        bail!(
            "encode, decode and reconstruct have no gradients. To train, call \
             ae.forward(&images, true)?; to use a result as a constant, call .detach() on it"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn values_are_kept_and_the_backward_pass_fails() {
        let var = Var::new(&[1f32], &Device::Cpu).unwrap();
        let transposed = Tensor::new(&[[1f32, 2.0]], &Device::Cpu)
            .unwrap()
            .t()
            .unwrap();
        for result in [
            without_gradient(vec![1.0, 2.0], &[2, 1], &var).unwrap(),
            drop_gradient(&transposed, Some(&var)).unwrap(),
        ] {
            assert_eq!(result.to_vec2::<f32>().unwrap(), [[1.0], [2.0]]);
            let loss = result.sum_all().unwrap();
            let error = loss.backward().unwrap_err().to_string();
            assert!(
                error.starts_with(
                    "encode, decode and reconstruct have no gradients. To train, call"
                ),
                "{error}"
            );
            assert!(loss.detach().backward().is_ok());
        }
        let constant = drop_gradient(&transposed, None).unwrap();
        assert!(constant.sum_all().unwrap().backward().is_ok());
    }
}
