//! What training makes small: the difference between a picture and its reconstruction, as a mean over all values.

use crate::error::Result;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// A loss, averaged over pictures, channels and pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Loss {
    /// Mean squared error, (x - y)². PyTorch: `nn.MSELoss()`.
    #[default]
    Mse,
    /// Binary cross-entropy, -(x ln y + (1 - x) ln(1 - y)), for pictures and reconstructions in [0, 1]: the decoder must
    /// end in a sigmoid. Logarithms are cut off at -87.3, that of the smallest `f32` that is not denormal; PyTorch's `nn.BCELoss()` cuts at -100.
    BinaryCrossEntropy,
    /// Binary cross-entropy of sigmoid(y), computed from the logits y themselves, so that it keeps its gradient where a sigmoid
    /// would be 0 or 1: max(y, 0) - y x + ln(1 + exp(-|y|)). For pictures in [0, 1] and a decoder that does not end in a
    /// sigmoid. What such a model draws are logits: `candle_nn::ops::sigmoid(&ae.reconstruct(&images)?)?` are the pictures, and
    /// [`Autoencoder::loss`](crate::Autoencoder::loss) with this loss evaluates it. PyTorch: `nn.BCEWithLogitsLoss()`.
    BinaryCrossEntropyWithLogits,
}

impl Loss {
    /// The loss as a tensor of one value, for the backward pass.
    ///
    /// # Shapes
    /// `reconstruction` and `target` have one shape; the result is ().
    ///
    /// # Errors
    /// Where the shapes differ.
    pub fn of(self, reconstruction: &Tensor, target: &Tensor) -> Result<Tensor> {
        match self {
            Loss::Mse => Ok((reconstruction - target)?.sqr()?.mean_all()?),
            Loss::BinaryCrossEntropy => {
                let log = |y: &Tensor| -> Result<Tensor> { Ok(y.maximum(f64::from(f32::MIN_POSITIVE))?.log()?) };
                let hit = (target * log(reconstruction)?)?;
                let miss = (target.affine(-1.0, 1.0)? * log(&reconstruction.affine(-1.0, 1.0)?)?)?;
                Ok((hit + miss)?.mean_all()?.neg()?)
            }
            Loss::BinaryCrossEntropyWithLogits => {
                // At 0 candle takes 1 for the slopes of relu and of abs: together, they are the right one.
                let far = (reconstruction.abs()?.neg()?.exp()? + 1.0)?.log()?;
                let near = (reconstruction.relu()? - (reconstruction * target)?)?;
                Ok((near + far)?.mean_all()?)
            }
        }
    }
}

impl Loss {
    /// The pictures of what a model draws that was trained with this loss.
    pub(crate) fn pictures(self, drawn: Tensor) -> Result<Tensor> {
        match self {
            Loss::Mse | Loss::BinaryCrossEntropy => Ok(drawn),
            Loss::BinaryCrossEntropyWithLogits => Ok(candle_nn::ops::sigmoid(&drawn)?),
        }
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Loss::Mse => "mean squared error",
            Loss::BinaryCrossEntropy => "binary cross-entropy",
            Loss::BinaryCrossEntropyWithLogits => "binary cross-entropy with logits",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn logits_are_shown_as_pictures() {
        let drawn = Tensor::new(&[-100f32, 0.0, 100.0], &Device::Cpu).unwrap();
        let values = |loss: Loss| loss.pictures(drawn.clone()).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(Loss::BinaryCrossEntropyWithLogits), [0.0, 0.5, 1.0]);
        assert_eq!(values(Loss::BinaryCrossEntropy), [-100.0, 0.0, 100.0]);
    }
}
