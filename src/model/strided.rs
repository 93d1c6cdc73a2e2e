//! Fully convolutional autoencoder with strides, batch normalization and residual blocks.

use crate::data::ImageShape;
use crate::error::{Error, Result};
use crate::layer::{Conv2d, ConvTranspose2d, Layer};
use crate::model::autoencoder::Autoencoder;
use crate::model::init::Init;

/// Maximum channels and residual blocks. Larger numbers are typing errors.
const MAX_CHANNELS: usize = 4096;

/// Fully convolutional autoencoder: strided convolutions instead of pooling, batch normalization,
/// residual blocks, and no linear layer.
///
/// The code is a small image with `code` channels, which keeps the spatial layout and is all that
/// the decoder receives.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let ae = StridedAutoencoder { input: (3, 32, 32), ..Default::default() }.build()?;
/// assert_eq!(ae.code_shape(), [3, 4, 4]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StridedAutoencoder {
    /// Channels, height and width of the images. Height and width must be divisible by
    /// 2^`halvings`. Defaults to (3, 224, 224).
    pub input: ImageShape,
    /// Number of convolutions with stride 2, each of which halves height and width: 1 to 6.
    /// Defaults to 3.
    pub halvings: usize,
    /// Channels after the first halving; twice as many after the others. Defaults to 24.
    pub channels: usize,
    /// Residual blocks on each side: in the encoder before the last halving (only with at least
    /// three halvings), in the decoder after the first doubling. Defaults to 1.
    pub blocks: usize,
    /// Channels of the code. Defaults to 3.
    pub code: usize,
    /// Seed, first weights and device. Defaults to [`Init::default`].
    pub init: Init,
}

impl Default for StridedAutoencoder {
    fn default() -> Self {
        StridedAutoencoder {
            input: (3, 224, 224),
            halvings: 3,
            channels: 24,
            blocks: 1,
            code: 3,
            init: Init::default(),
        }
    }
}

impl StridedAutoencoder {
    /// Layers of encoder and decoder, to modify before [`Autoencoder::new`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let settings = StridedAutoencoder { input: (1, 28, 28), halvings: 2, ..Default::default() };
    /// let (encoder, decoder) = settings.layers();
    /// assert_eq!(encoder[0], Conv2d(24, 4).stride(2).padding(1));
    /// let ae = Autoencoder::new(settings.input, &encoder, &decoder)?;
    /// assert_eq!(ae.code_shape(), [3, 7, 7]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn layers(&self) -> (Vec<Layer>, Vec<Layer>) {
        (self.encoder(), self.decoder())
    }

    /// Builds the model.
    ///
    /// # Errors
    /// A setting is out of range, or height or width is not divisible by 2^`halvings`.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let error = StridedAutoencoder { halvings: 0, ..Default::default() }.build().unwrap_err();
    /// assert!(error.to_string().contains("halvings: expected 1 to 6, got 0"));
    /// ```
    pub fn build(&self) -> Result<Autoencoder> {
        self.check()?;
        let (encoder, decoder) = self.layers();
        Autoencoder::new_with(self.input, &encoder, &decoder, &self.init)
    }

    fn encoder(&self) -> Vec<Layer> {
        let down = |channels| Conv2d(channels, 4).stride(2).padding(1);
        let mut encoder = Vec::new();
        for i in 0..self.halvings.saturating_sub(1) {
            encoder.extend([down(self.channels_after(i)), Layer::BatchNorm, Layer::Relu]);
        }
        // With fewer halvings there are not yet the channels of a block.
        if self.halvings > 2 {
            encoder.extend(self.residual_blocks());
        }
        encoder.push(down(self.code));
        encoder
    }

    fn decoder(&self) -> Vec<Layer> {
        let up = |channels| ConvTranspose2d(channels, 4).stride(2).padding(1);
        let mut decoder = vec![up(2 * self.channels), Layer::BatchNorm, Layer::Relu];
        decoder.extend(self.residual_blocks());
        for i in (0..self.halvings.saturating_sub(2)).rev() {
            decoder.extend([up(self.channels_after(i)), Layer::BatchNorm, Layer::Relu]);
        }
        let image_channels = self.input.0;
        decoder.push(if self.halvings > 1 {
            up(image_channels)
        } else {
            Conv2d(image_channels, 3).padding(1)
        });
        decoder.push(Layer::Sigmoid);
        decoder
    }

    /// Channels after halving `i`, counted from 0.
    fn channels_after(&self, i: usize) -> usize {
        if i == 0 {
            self.channels
        } else {
            2 * self.channels
        }
    }

    /// The residual blocks of one side, each followed by a ReLU.
    fn residual_blocks(&self) -> Vec<Layer> {
        let conv = Conv2d(2 * self.channels, 3).padding(1);
        let block = Layer::Residual(vec![
            conv.clone(),
            Layer::BatchNorm,
            Layer::Relu,
            conv,
            Layer::BatchNorm,
        ]);
        let blocks = (0..self.blocks).flat_map(|_| [block.clone(), Layer::Relu]);
        blocks.collect()
    }

    fn check(&self) -> Result<()> {
        if !(1..=6).contains(&self.halvings) {
            return Err(Error::setting(
                "StridedAutoencoder::halvings",
                "1 to 6",
                self.halvings,
                "3 halvings reduce 64 x 64 to 8 x 8",
            ));
        }
        for (name, value) in [
            ("channels", self.channels),
            ("code", self.code),
            ("blocks", self.blocks),
        ] {
            if value > MAX_CHANNELS {
                return Err(Error::setting(
                    format!("StridedAutoencoder::{name}"),
                    format!("at most {MAX_CHANNELS}"),
                    value,
                    "Start with 24 channels, a code of 3 and 1 block",
                ));
            }
        }
        self.check_size()
    }

    fn check_size(&self) -> Result<()> {
        let (_, h, w) = self.input;
        let factor = 1 << self.halvings;
        if h.is_multiple_of(factor) && w.is_multiple_of(factor) {
            return Ok(());
        }
        Err(Error::shape(
            "StridedAutoencoder",
            format!(
                "a height and width divisible by {factor}, for {} halvings",
                self.halvings
            ),
            format!("{h} x {w}"),
            "Choose another size, or fewer halvings",
        ))
    }
}
