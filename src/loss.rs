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
        }
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Loss::Mse => "mean squared error",
            Loss::BinaryCrossEntropy => "binary cross-entropy",
        })
    }
}
