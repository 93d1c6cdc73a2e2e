//! Results of the planned inference, which has no gradients.
//!
//! A loss of such a result would train nothing, without an error: candle's optimizers skip
//! variables that have no gradient. Its backward pass therefore fails.

use crate::error::Result;
use crate::lock::lock;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, Var};
use std::sync::Mutex;

/// Creates a CPU tensor whose backward pass is an error. `var` is any variable of the model.
pub(crate) fn without_gradient(values: Vec<f32>, shape: &[usize], var: &Var) -> Result<Tensor> {
    let op = WithoutGradient {
        values: Mutex::new(values),
        shape: Shape::from(shape),
    };
    Ok(var.as_tensor().apply_op1(op)?)
}

struct WithoutGradient {
    /// The result; empty after the forward pass.
    values: Mutex<Vec<f32>>,
    shape: Shape,
}

impl CustomOp1 for WithoutGradient {
    fn name(&self) -> &'static str {
        "inference"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let values = std::mem::take(&mut *lock(&self.values));
        Ok((CpuStorage::F32(values), self.shape.clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> candle_core::Result<Option<Tensor>> {
        candle_core::bail!(
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
        let result = without_gradient(vec![1.0, 2.0], &[2, 1], &var).unwrap();
        assert_eq!(result.to_vec2::<f32>().unwrap(), [[1.0], [2.0]]);
        let loss = result.sum_all().unwrap();
        let error = loss.backward().unwrap_err().to_string();
        assert!(
            error.starts_with("encode, decode and reconstruct have no gradients. To train, call"),
            "{error}"
        );
        assert!(loss.detach().backward().is_ok());
    }
}
