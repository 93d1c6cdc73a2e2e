//! An activation under candle's autograd, for loops that run a model layer by layer.

use crate::candle_threads::{JOB_VALUES, for_each_block};
use crate::cpu_values::{values, with_values};
use crate::layer::{Activation, Number};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, WithDType};
use std::marker::PhantomData;
use std::sync::Arc;

/// Applies an activation to a tensor on the CPU.
pub(crate) fn activate<T: Number + WithDType>(
    activation: Arc<dyn Activation>,
    xs: &Tensor,
) -> Result<Tensor> {
    let op = AutogradActivation::<T> {
        activation,
        values: PhantomData,
    };
    xs.contiguous()?.apply_op1(op)
}

struct AutogradActivation<T> {
    activation: Arc<dyn Activation>,
    values: PhantomData<T>,
}

/// A copy whose blocks were changed by `f`, which gets the first value's index.
fn changed<T: Number>(values: &[T], f: impl Fn(usize, &mut [T]) + Sync) -> Vec<T> {
    let mut copy = vec![T::ZERO; values.len()];
    let blocks = copy
        .chunks_mut(JOB_VALUES)
        .zip(values.chunks(JOB_VALUES))
        .enumerate();
    for_each_block(values.len(), blocks, |(nth, (copy, values))| {
        copy.copy_from_slice(values);
        f(nth * JOB_VALUES, copy);
    });
    copy
}

/// dL/dx of an activation from its output and dL/dy.
pub(super) fn activation_gradients<T: Number>(
    activation: &dyn Activation,
    y: &[T],
    dy: &[T],
) -> Vec<T> {
    changed(dy, |first, gradients| {
        let outputs = &y[first..][..gradients.len()];
        T::pointwise(activation).backward(outputs, gradients, T::ONE);
    })
}

impl<T: Number + WithDType> CustomOp1 for AutogradActivation<T> {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let y = changed(values::<T>(x, layout)?, |_, values| {
            T::pointwise(&*self.activation).forward(values);
        });
        Ok((T::to_cpu_storage_owned(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        let dx = with_values::<T, _, 2>([y, &dy], |[y, dy]| {
            activation_gradients(&*self.activation, y, dy)
        })?;
        Tensor::from_vec(dx, x.shape(), x.device()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Layer, LayerShapes, LowerContext, Lowered};
    use candle_core::{Device, Var};

    #[test]
    fn values_and_gradients_of_every_block_are_right() {
        let shapes = LayerShapes {
            before: &[1],
            after: &[1],
        };
        let lowered = Layer::Relu
            .kind()
            .lower(shapes, &mut LowerContext::default());
        let Lowered::Activation(relu) = lowered else {
            unreachable!("ReLU is an activation")
        };
        let n = 5 * JOB_VALUES + 7;
        let values: Vec<f32> = (0..n).map(|i| (i % 5) as f32 - 2.0).collect();
        let x = Var::from_vec(values.clone(), n, &Device::Cpu).unwrap();
        let y = activate::<f32>(relu, &x).unwrap();
        let expected: Vec<f32> = values.iter().map(|v| v.max(0.0)).collect();
        assert_eq!(y.to_vec1::<f32>().unwrap(), expected);
        let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        let slopes: Vec<f32> = expected.iter().map(|v| 2.0 * v).collect();
        assert_eq!(gradients.get(&x).unwrap().to_vec1::<f32>().unwrap(), slopes);
    }
}
