//! Gradients of variables as tensors, on any device: their sum over batches, clipping and noise.

use super::gradient_sum::GradientSum;
use super::gradients::Gradients;
use crate::error::Result;
use candle_core::{DType, Tensor, Var};

/// Sum of the gradients of some batches. Variables that no loss depended on have none.
#[derive(Debug, Default)]
pub(crate) struct TensorGradients {
    tensors: Vec<Option<Tensor>>,
    pub(crate) batches: usize,
    /// Images of the batches. A single batch's gradients are not multiplied by their number.
    pub(crate) images: usize,
}

impl TensorGradients {
    /// Continues with the sums of an interrupted step.
    pub(crate) fn resumed(tensors: Vec<Option<Tensor>>, batches: usize, images: usize) -> Self {
        TensorGradients {
            tensors,
            batches,
            images,
        }
    }

    /// Adds the mean gradients of a batch.
    pub(crate) fn add(&mut self, gradients: Vec<Option<Tensor>>, images: usize) -> Result<()> {
        if self.batches == 0 {
            (self.tensors, self.batches, self.images) = (gradients, 1, images);
            return Ok(());
        }
        if self.batches == 1 {
            self.scale(self.images as f64)?;
        }
        for (sum, gradient) in self.tensors.iter_mut().zip(gradients) {
            let Some(gradient) = gradient else { continue };
            let weighted = (gradient * images as f64)?;
            *sum = Some(match sum {
                Some(sum) => (&*sum + weighted)?,
                None => weighted,
            });
        }
        (self.batches, self.images) = (self.batches + 1, self.images + images);
        Ok(())
    }

    /// Mean gradients over all images.
    pub(crate) fn mean(&self) -> Result<Vec<Option<Tensor>>> {
        if self.batches <= 1 {
            return Ok(self.tensors.clone());
        }
        let mean = |sum: &Option<Tensor>| -> Result<Option<Tensor>> {
            let mean = sum.as_ref().map(|sum| sum / self.images as f64);
            Ok(mean.transpose()?)
        };
        self.tensors.iter().map(mean).collect()
    }

    /// The sums, as [`TensorGradients::resumed`] takes them.
    pub(crate) fn sums(&self) -> &[Option<Tensor>] {
        &self.tensors
    }

    /// Replaces each by its sum over all ranks.
    ///
    /// # Errors
    /// A rank that is gone.
    pub(crate) fn sum_over(&mut self, ranks: &GradientSum) -> Result<()> {
        ranks.sum(&mut self.tensors)
    }

    /// Multiplies all by a factor.
    pub(crate) fn scale(&mut self, factor: f64) -> Result<()> {
        for tensor in self.tensors.iter_mut().flatten() {
            *tensor = (&*tensor * factor)?;
        }
        Ok(())
    }
}

/// Clips gradients and adds noise, as the settings say.
pub(crate) fn changed(
    settings: &Gradients,
    mut gradients: Vec<Option<Tensor>>,
    variables: &[Var],
    seed: u64,
    steps: i32,
) -> Result<Vec<Option<Tensor>>> {
    if let Some(limit) = settings.clip_value {
        for gradient in gradients.iter_mut().flatten() {
            *gradient = gradient.clamp(-limit, limit)?;
        }
    }
    if settings.clip_norm.is_some() {
        let mut sum = 0.0;
        for gradient in gradients.iter().flatten() {
            let squares = gradient.sqr()?.sum_all()?;
            sum += squares.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        }
        let factor = settings.norm_factor(sum);
        if factor != 1.0 {
            for gradient in gradients.iter_mut().flatten() {
                *gradient = (&*gradient * factor)?;
            }
        }
    }
    let n = variables.iter().map(|var| var.elem_count()).sum();
    let Some(noise) = settings.noise_of(seed, steps, n) else {
        return Ok(gradients);
    };
    let mut start = 0;
    for (gradient, var) in gradients.iter_mut().zip(variables) {
        if let Some(gradient) = gradient {
            let mut values = vec![0f32; var.elem_count()];
            noise.add_to(start, &mut values);
            let values = Tensor::from_vec(values, var.shape(), var.device())?;
            *gradient = (&*gradient + values.to_dtype(gradient.dtype())?)?;
        }
        start += var.elem_count();
    }
    Ok(gradients)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn gradient(value: f32) -> Option<Tensor> {
        Some(Tensor::new(&[value], &Device::Cpu).unwrap())
    }

    fn values(gradients: &[Option<Tensor>]) -> Vec<Option<f32>> {
        let value = |tensor: &Tensor| tensor.to_vec1::<f32>().unwrap()[0];
        gradients
            .iter()
            .map(|tensor| tensor.as_ref().map(value))
            .collect()
    }

    #[test]
    fn batches_count_by_their_images() {
        let mut sum = TensorGradients::default();
        sum.add(vec![gradient(1.0), None, None], 2).unwrap();
        assert_eq!(values(&sum.mean().unwrap()), [Some(1.0), None, None]);
        sum.add(vec![gradient(4.0), gradient(3.0), None], 1)
            .unwrap();
        assert_eq!(values(&sum.mean().unwrap()), [Some(2.0), Some(1.0), None]);
        assert_eq!((sum.batches, sum.images), (2, 3));
    }

    #[test]
    fn the_norm_is_that_of_all_gradients_together() {
        let settings = Gradients {
            clip_norm: Some(1.0),
            ..Default::default()
        };
        let var = || Var::new(&[0f32], &Device::Cpu).unwrap();
        let gradients = vec![gradient(3.0), gradient(-4.0), None];
        let clipped = changed(&settings, gradients, &[var(), var(), var()], 0, 0).unwrap();
        let clipped = values(&clipped);
        assert!((clipped[0].unwrap() - 0.6).abs() < 1e-6);
        assert!((clipped[1].unwrap() + 0.8).abs() < 1e-6);
    }
}
