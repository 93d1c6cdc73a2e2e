//! An elementwise loss under candle's autograd, on the CPU: one pass forward and one backward.

use crate::candle_threads::{JOB_VALUES, for_each_block};
use crate::cpu_values::{values, with_values};
use crate::math::Real;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType};
use std::marker::PhantomData;

/// Mean loss as a scalar tensor with a gradient for the output only.
///
/// `sum_and_gradients(output, target, gradients, scale)` returns the sum of the loss over all values,
/// and writes its gradients times `scale`.
pub(super) fn mean<T: Real + WithDType>(
    output: &Tensor,
    target: &Tensor,
    sum_and_gradients: impl Fn(&[T], &[T], &mut [T], T) -> f64 + Send + Sync + 'static,
) -> Result<Tensor> {
    let op = LossOp {
        sum_and_gradients,
        values: PhantomData,
    };
    output.contiguous()?.apply_op2(&target.contiguous()?, op)
}

struct LossOp<T, F> {
    sum_and_gradients: F,
    values: PhantomData<T>,
}

impl<T: Real, F: Fn(&[T], &[T], &mut [T], T) -> f64 + Sync> LossOp<T, F> {
    fn mean(&self, output: &[T], target: &[T]) -> f64 {
        // Added in order, so that the mean does not depend on the threads.
        let mut sums = vec![0.0; output.len().div_ceil(JOB_VALUES)];
        let blocks = output
            .chunks(JOB_VALUES)
            .zip(target.chunks(JOB_VALUES))
            .zip(&mut sums);
        let sum_and_gradients = &self.sum_and_gradients;
        for_each_block(output.len(), blocks, |((output, target), sum)| {
            let mut gradients = vec![T::ZERO; output.len()];
            *sum = sum_and_gradients(output, target, &mut gradients, T::ONE);
        });
        sums.iter().sum::<f64>() / output.len() as f64
    }

    /// Gradients of the sum times a factor.
    fn gradients(&self, output: &[T], target: &[T], factor: T) -> Vec<T> {
        let mut gradients = vec![T::ZERO; output.len()];
        let blocks = gradients
            .chunks_mut(JOB_VALUES)
            .zip(output.chunks(JOB_VALUES))
            .zip(target.chunks(JOB_VALUES));
        let sum_and_gradients = &self.sum_and_gradients;
        for_each_block(output.len(), blocks, |((gradients, output), target)| {
            sum_and_gradients(output, target, gradients, factor);
        });
        gradients
    }
}

impl<T, F> CustomOp2 for LossOp<T, F>
where
    T: Real + WithDType,
    F: Fn(&[T], &[T], &mut [T], T) -> f64 + Sync,
{
    fn name(&self) -> &'static str {
        "loss"
    }

    fn cpu_fwd(
        &self,
        output: &CpuStorage,
        output_layout: &Layout,
        target: &CpuStorage,
        target_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let output = values(output, output_layout)?;
        let mean = self.mean(output, values(target, target_layout)?);
        Ok((T::to_cpu_storage_owned(vec![T::of(mean)]), Shape::from(())))
    }

    fn bwd(
        &self,
        output: &Tensor,
        target: &Tensor,
        _mean: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let factor: f64 = gradient.to_scalar::<T>()?.into();
        let factor = T::of(factor / output.elem_count() as f64);
        let gradients = with_values([output, target], |[output, target]| {
            self.gradients(output, target, factor)
        })?;
        let gradients = Tensor::from_vec(gradients, output.shape(), output.device())?;
        Ok((Some(gradients), None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn the_mean_of_many_blocks_has_the_gradients_of_the_sum_over_their_number() {
        let n = 5 * JOB_VALUES + 5;
        let output = Var::ones(n, candle_core::DType::F64, &Device::Cpu).unwrap();
        let target = Tensor::arange(0.0, n as f64, &Device::Cpu).unwrap();
        let product = |output: &[f64], target: &[f64], gradients: &mut [f64], scale: f64| {
            let pairs = gradients.iter_mut().zip(target);
            pairs.for_each(|(gradient, t)| *gradient = scale * t);
            output.iter().zip(target).map(|(y, t)| y * t).sum()
        };
        let mean = mean::<f64>(&output, &target, product).unwrap();
        assert_eq!(mean.to_scalar::<f64>().unwrap(), (n - 1) as f64 / 2.0);
        let gradients = (mean * n as f64).unwrap().backward().unwrap();
        let gradients = gradients.get(&output).unwrap().to_vec1::<f64>().unwrap();
        let exact = |(i, g): (usize, &f64)| (g - i as f64).abs() < 1e-9;
        assert!(gradients.iter().enumerate().all(exact));
    }
}
