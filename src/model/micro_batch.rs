//! Micro-batches: inference on parts of a batch, so that memory does not grow with the batch.

use crate::cell::check_stopped;
use crate::error::Result;
use crate::layer::check_label_count;
use candle_core::Tensor;

/// Maximum values of a micro-batch of more than one image.
const MAX_VALUES: usize = 1 << 20;

/// Maximum images per micro-batch.
const MAX_IMAGES: usize = 1000;

/// Micro-batch size for inference on images or codes of `values` numbers each.
pub(crate) fn micro_batch(values: usize) -> usize {
    (MAX_VALUES / values.max(1)).clamp(1, MAX_IMAGES)
}

/// Runs `f` on each micro-batch of `batch` and concatenates the results.
pub(crate) fn map_micro_batches(
    batch: &Tensor,
    f: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    map_labeled(batch, None, |part, _| f(part))
}

/// Runs `f` on each micro-batch of `batch`, with its labels, and concatenates the results.
pub(crate) fn map_labeled(
    batch: &Tensor,
    labels: Option<&Tensor>,
    f: impl Fn(&Tensor, Option<Tensor>) -> Result<Tensor>,
) -> Result<Tensor> {
    let n = batch.dim(0)?;
    if let Some(labels) = labels {
        check_label_count(labels.elem_count(), n)?;
    }
    let size = micro_batch(batch.elem_count() / n.max(1));
    if n <= size {
        return f(batch, labels.cloned());
    }
    let outputs = (0..n)
        .step_by(size)
        .map(|start| -> Result<Tensor> {
            check_stopped()?;
            let images = size.min(n - start);
            let labels = labels.map(|labels| labels.narrow(0, start, images));
            f(&batch.narrow(0, start, images)?, labels.transpose()?)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Tensor::cat(&outputs, 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use std::cell::Cell;

    #[test]
    fn micro_batches_are_bounded_in_values_and_images() {
        assert_eq!(micro_batch(0), MAX_IMAGES);
        assert_eq!(micro_batch(1 << 18), 4);
        assert_eq!(micro_batch(1 << 30), 1);
    }

    #[test]
    fn outputs_of_micro_batches_are_concatenated_in_order() {
        let batch = Tensor::arange(0f32, 2500.0, &Device::Cpu).unwrap();
        let calls = Cell::new(0);
        let doubled = map_micro_batches(&batch, |part| {
            calls.set(calls.get() + 1);
            Ok((part * 2.0)?)
        })
        .unwrap();
        assert_eq!(calls.get(), 3);
        assert_eq!(
            doubled.to_vec1::<f32>().unwrap(),
            (batch * 2.0).unwrap().to_vec1::<f32>().unwrap()
        );
    }
}
