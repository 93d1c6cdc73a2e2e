//! Convolutional autoencoder with max-pooling and upsampling.

use crate::data::ImageShape;
use crate::error::Result;
use crate::layer::{Conv2d, Layer, MaxPool2d, Upsample};
use crate::model::autoencoder::Autoencoder;
use crate::model::init::Init;

/// Convolutional autoencoder with max-pooling and upsampling, as in Keras' post "Building autoencoders".
///
/// Each stage of the encoder is a 3 x 3 convolution with ReLU and a max-pooling, which halves height and width
/// and rounds up. The decoder repeats pixels, so that the code is all that it receives.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// use candlebook::model::UpsamplingAutoencoder;
/// let ae = UpsamplingAutoencoder::default().build()?;
/// assert_eq!(ae.code_shape(), [8, 4, 4]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct UpsamplingAutoencoder {
    /// Channels, height and width of the images. Defaults to (1, 28, 28).
    pub input: ImageShape,
    /// Output channels of the convolutions of the encoder. Defaults to [16, 8, 8].
    pub channels: Vec<usize>,
    /// Seed, first weights and device. Defaults to [`Init::default`].
    pub init: Init,
}

impl Default for UpsamplingAutoencoder {
    fn default() -> Self {
        UpsamplingAutoencoder {
            input: (1, 28, 28),
            channels: vec![16, 8, 8],
            init: Init::default(),
        }
    }
}

impl UpsamplingAutoencoder {
    /// Layers of encoder and decoder, to modify before [`Autoencoder::new`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::model::UpsamplingAutoencoder;
    /// let (encoder, decoder) = UpsamplingAutoencoder::default().layers();
    /// assert_eq!((encoder.len(), decoder.len()), (9, 11));
    /// ```
    pub fn layers(&self) -> (Vec<Layer>, Vec<Layer>) {
        let (image_channels, mut h, mut w) = self.input;
        let conv = |channels| Conv2d(channels, 3).padding(1);
        let mut encoder = Vec::new();
        let mut stages = Vec::new();
        for &channels in &self.channels {
            encoder.extend([conv(channels), Layer::Relu, MaxPool2d(2).ceil_mode()]);
            stages.push([conv(channels), Layer::Relu, Upsample(2).output_size(h, w)]);
            (h, w) = (h.div_ceil(2), w.div_ceil(2));
        }
        let mut decoder: Vec<Layer> = stages.into_iter().rev().flatten().collect();
        decoder.extend([conv(image_channels), Layer::Sigmoid]);
        (encoder, decoder)
    }

    /// Builds the model.
    ///
    /// # Errors
    /// A number of channels is 0, or an image is too small to be halved so often.
    ///
    /// # Examples
    /// ```
    /// use candlebook::model::UpsamplingAutoencoder;
    /// assert!(UpsamplingAutoencoder { channels: vec![0], ..Default::default() }.build().is_err());
    /// ```
    pub fn build(&self) -> Result<Autoencoder> {
        let (encoder, decoder) = self.layers();
        Autoencoder::new_with(self.input, &encoder, &decoder, &self.init)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_height_and_width_is_restored() {
        let settings = UpsamplingAutoencoder {
            input: (3, 45, 64),
            ..Default::default()
        };
        assert_eq!(settings.build().unwrap().code_shape(), [8, 6, 8]);
    }
}
