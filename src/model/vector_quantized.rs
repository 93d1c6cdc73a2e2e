//! Convolutional autoencoder with a codebook (VQ-VAE).

use crate::data::ImageShape;
use crate::error::Result;
use crate::layer::{Conv2d, ConvTranspose2d, Layer, VectorQuantize};
use crate::model::autoencoder::Autoencoder;
use crate::model::init::Init;

/// Convolutional autoencoder with a codebook (van den Oord and others, "Neural discrete representation learning",
/// 2017).
///
/// The defaults are those of Keras' example for MNIST: two convolutions of stride 2, and a codebook of 128 vectors
/// of 16 numbers. A sigmoid keeps pixels in [0, 1].
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let ae = VectorQuantizedAutoencoder::default().build()?;
/// assert_eq!(ae.code_shape(), [16, 7, 7]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct VectorQuantizedAutoencoder {
    /// Channels, height and width of the images. Height and width must be divisible by 4. Defaults to
    /// (1, 28, 28).
    pub input: ImageShape,
    /// Output channels of the two convolutions. Defaults to [32, 64].
    pub channels: [usize; 2],
    /// Channels of the code: numbers of a vector of the codebook. Defaults to 16.
    pub code: usize,
    /// Vectors of the codebook. Defaults to 128.
    pub entries: usize,
    /// Weight of the distance between a code and its vector. Defaults to 0.25.
    pub commitment: f64,
    /// Seed, first weights and device. Defaults to [`Init::default`].
    pub init: Init,
}

impl Default for VectorQuantizedAutoencoder {
    fn default() -> Self {
        VectorQuantizedAutoencoder {
            input: (1, 28, 28),
            channels: [32, 64],
            code: 16,
            entries: 128,
            commitment: 0.25,
            init: Init::default(),
        }
    }
}

impl VectorQuantizedAutoencoder {
    /// Layers of encoder and decoder, to modify before [`Autoencoder::new`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let (encoder, decoder) = VectorQuantizedAutoencoder::default().layers();
    /// assert_eq!((&encoder[5], decoder.len()), (&VectorQuantize(128), 6));
    /// ```
    pub fn layers(&self) -> (Vec<Layer>, Vec<Layer>) {
        let [first, second] = self.channels;
        let down = |channels| Conv2d(channels, 3).stride(2).padding(1);
        let up = |channels| {
            let transposed = ConvTranspose2d(channels, 3).stride(2).padding(1);
            transposed.output_padding(1)
        };
        let encoder = vec![
            down(first),
            Layer::Relu,
            down(second),
            Layer::Relu,
            Conv2d(self.code, 1),
            VectorQuantize(self.entries).commitment(self.commitment),
        ];
        let decoder = vec![
            up(second),
            Layer::Relu,
            up(first),
            Layer::Relu,
            Conv2d(self.input.0, 3).padding(1),
            Layer::Sigmoid,
        ];
        (encoder, decoder)
    }

    /// Builds the model.
    ///
    /// # Errors
    /// Height or width is not divisible by 4, or a setting is out of range.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let error = VectorQuantizedAutoencoder { entries: 1, ..Default::default() }.build().unwrap_err();
    /// assert!(error.to_string().contains("expected at least 2 entries, got 1"));
    /// ```
    pub fn build(&self) -> Result<Autoencoder> {
        let (encoder, decoder) = self.layers();
        Autoencoder::new_with(self.input, &encoder, &decoder, &self.init)
    }
}
