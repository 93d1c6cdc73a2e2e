//! Codes of which each unit responds to a share of the batch's images only, in training.
//!
//! Features: each unit keeps its largest values over the batch ("lifetime sparsity"). Images: each
//! channel keeps the largest value of each image, and of these the largest over the batch. Evaluation
//! keeps all values. Makhzani and Frey, "Winner-take-all autoencoders", 2015.

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject};
use crate::layer::variable::LayerVars;
use crate::math::Interval;
use candle_core::{DType, Tensor};

/// Keeps this share of the batch's values of each unit.
pub(crate) struct WinnerTakeAll(pub(crate) f64);

impl LayerKind for WinnerTakeAll {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if !(self.0 > 0.0 && self.0 <= 1.0) {
            return reject(
                "a share in (0, 1]",
                self.0,
                "0.05 keeps a twentieth of the values",
            );
        }
        Ok(input.to_vec())
    }

    fn output_range(&self, input: Interval) -> Interval {
        input.with(0.0)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        if context.rng.is_none() {
            return Ok(xs.clone());
        }
        let (images, channels) = (xs.dim(0)?, xs.dim(1)?);
        // On the host: candle cannot select the largest values of a column.
        let values = xs
            .detach()
            .to_dtype(DType::F32)?
            .flatten_all()?
            .to_vec1::<f32>()?;
        let mask = winners(&values, images, channels, self.0);
        let mask = Tensor::from_vec(mask, xs.shape(), xs.device())?;
        Ok((xs * mask.to_dtype(xs.dtype())?)?)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::WholeBatch
    }
}

/// 1 for the values that are kept, else 0. Of equal values, those of the first images are kept.
fn winners(values: &[f32], images: usize, channels: usize, share: f64) -> Vec<f32> {
    let mut mask = vec![0.0; values.len()];
    let map = values.len() / (images * channels).max(1);
    let kept = ((share * images as f64).round() as usize).clamp(1, images.max(1));
    for channel in 0..channels {
        // Position and value of the largest value of each image.
        let mut best: Vec<(usize, f32)> = (0..images)
            .map(|image| {
                let start = (image * channels + channel) * map;
                let all = values[start..start + map].iter().copied().enumerate();
                let (i, value) = all.fold((0, f32::NEG_INFINITY), |best, (i, value)| {
                    if value > best.1 { (i, value) } else { best }
                });
                (start + i, value)
            })
            .collect();
        if kept < images {
            best.select_nth_unstable_by(kept, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        }
        best.iter().take(kept).for_each(|&(i, _)| mask[i] = 1.0);
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_keeps_its_largest_values_over_the_batch() {
        // Four images of two units.
        let values = [0.1, 5.0, 0.4, 6.0, 0.3, 7.0, 0.2, 8.0];
        let mask = winners(&values, 4, 2, 0.5);
        assert_eq!(mask, [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
        assert_eq!(winners(&[0.0; 4], 4, 1, 0.5), [1.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_channel_keeps_one_value_of_an_image() {
        // Two images of one channel of 2 x 2.
        let values = [1.0, 4.0, 3.0, 2.0, 5.0, 6.0, 8.0, 7.0];
        assert_eq!(
            winners(&values, 2, 1, 1.0),
            [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        );
        assert_eq!(winners(&values, 2, 1, 0.5).iter().sum::<f32>(), 1.0);
    }

    #[test]
    fn shares_outside_their_range_are_rejected() {
        for share in [0.0, 1.5, f64::NAN] {
            assert!(WinnerTakeAll(share).output_shape(&[4]).is_err());
        }
    }
}
