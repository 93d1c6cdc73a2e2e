//! [`Augmentation`]: random changes of training images.

use crate::data::split::{ImageShape, is_vector};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Random change of the training images, drawn anew for each image in each epoch. A list is applied
/// in its order. An autoencoder reconstructs the changed image; to reconstruct the original from a
/// corrupted one, see the noise layers, such as
/// [`MaskingNoise`](crate::layer::Layer::MaskingNoise).
///
/// Pixels from outside the image repeat its border, and values stay in the range of the data.
///
/// # Examples
/// ```
/// use candlebook::data::Augmentation;
/// use candlebook::prelude::*;
/// let augment = vec![Augmentation::FlipHorizontal, Augmentation::Shift { pixels: 2 }];
/// let fit = Fit { augment, ..Default::default() };
/// let data = mnist_embedded()?;
/// show(data.train.augmented(0, 8, &fit.augment, fit.seed)?);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Augmentation {
    /// Mirrors left and right with probability 1/2. PyTorch: `RandomHorizontalFlip`; Keras:
    /// `RandomFlip("horizontal")`.
    FlipHorizontal,
    /// Mirrors top and bottom with probability 1/2. PyTorch: `RandomVerticalFlip`.
    FlipVertical,
    /// Moves the image by up to this many whole pixels along each axis, uniformly. PyTorch:
    /// `RandomCrop(size, padding=pixels, padding_mode="edge")`; Keras: `RandomTranslation`.
    Shift {
        /// 1 up to the smaller side less 1.
        pixels: usize,
    },
    /// Enlarges a random part of the image, of the image's aspect ratio and a share of its area
    /// uniform in [`min_share`, 1], to the whole (bilinear). PyTorch:
    /// `RandomResizedCrop(size, scale=(min_share, 1), ratio=(1, 1))`; Keras: `RandomZoom`.
    Crop {
        /// In (0, 1).
        min_share: f64,
    },
    /// Rotates about the center by an angle uniform in [-`degrees`, `degrees`] (bilinear). PyTorch:
    /// `RandomRotation(degrees, InterpolationMode.BILINEAR)`; Keras: `RandomRotation(degrees / 360)`.
    Rotation {
        /// In (0, 180].
        degrees: f64,
    },
    /// Multiplies all values by a factor uniform in [1 - `change`, 1 + `change`]. PyTorch:
    /// `ColorJitter(brightness=change)`; Keras: `RandomBrightness`.
    Brightness {
        /// In (0, 1].
        change: f64,
    },
    /// Sets a square to 0, or to the lowest value if the data have no 0. Its center is a random
    /// pixel, so that the border may cut it. DeVries and Taylor, "Improved regularization of convolutional
    /// neural networks with Cutout", 2017; PyTorch: `RandomErasing`.
    Cutout {
        /// Side in pixels, 1 up to the larger side.
        size: usize,
    },
}

impl Augmentation {
    /// Rejects settings outside their range for images of this shape, and vectors.
    pub(crate) fn check(&self, (c, h, w): ImageShape) -> Result<()> {
        if is_vector((c, h, w)) {
            let got = format!("vectors of {w} values");
            let hint =
                "Vectors have no neighboring pixels: train with GaussianNoise or MaskingNoise";
            return Err(Error::setting("Fit::augment", "images", got, hint));
        }
        let shorter = h.min(w) - 1;
        let positive = |value: f64, max: f64| value > 0.0 && value <= max;
        let (setting, expected, got) = match *self {
            Augmentation::Shift { pixels } if !(1..=shorter).contains(&pixels) => (
                "Shift::pixels",
                format!("1 to {shorter}, less than the smaller side"),
                pixels.to_string(),
            ),
            Augmentation::Crop { min_share } if !(positive(min_share, 1.0) && min_share < 1.0) => (
                "Crop::min_share",
                "a share of the area in (0, 1)".into(),
                min_share.to_string(),
            ),
            Augmentation::Rotation { degrees } if !positive(degrees, 180.0) => (
                "Rotation::degrees",
                "an angle in (0, 180]".into(),
                degrees.to_string(),
            ),
            Augmentation::Brightness { change } if !positive(change, 1.0) => (
                "Brightness::change",
                "a number in (0, 1]".into(),
                change.to_string(),
            ),
            Augmentation::Cutout { size } if !(1..=h.max(w)).contains(&size) => (
                "Cutout::size",
                format!("1 to {}, the larger side", h.max(w)),
                size.to_string(),
            ),
            _ => return Ok(()),
        };
        let hint = "Leave it out for no change";
        Err(Error::setting(setting, expected, got, hint))
    }
}
