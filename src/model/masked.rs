//! Masked autoencoder: a transformer that predicts hidden patches.

use crate::data::ImageShape;
use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::model::autoencoder::Autoencoder;
use crate::model::init::Init;

/// Maximum blocks of one side. Larger numbers are typing errors.
const MAX_BLOCKS: usize = 1000;

/// Masked autoencoder: a transformer over patches that predicts those which it does not see (He and others, "Masked
/// autoencoders are scalable vision learners", 2022).
///
/// Hidden patches are replaced by a learned vector in the encoder, as in Xie and others, "SimMIM", 2022, and the loss
/// counts all patches. Patches are hidden in training only.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// use candlebook::model::MaskedAutoencoder;
/// let ae = MaskedAutoencoder { width: 32, ..Default::default() }.build()?;
/// assert_eq!(ae.code_shape(), [16, 32]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MaskedAutoencoder {
    /// Channels, height and width of the images. The side of a patch must divide height and width. Defaults to
    /// (1, 28, 28).
    pub input: ImageShape,
    /// Height and width of a patch, in pixels. Defaults to 7.
    pub patch: usize,
    /// Share of the patches that is hidden, in [0, 1). Defaults to 0.75.
    pub share: f64,
    /// Numbers of a patch in the transformer. Defaults to 64.
    pub width: usize,
    /// Heads of an attention; they must divide the width. Defaults to 4.
    pub heads: usize,
    /// Transformer blocks of the encoder, and of the decoder. Defaults to [3, 1].
    pub blocks: [usize; 2],
    /// Seed, first weights and device. Defaults to [`Init::default`].
    pub init: Init,
}

impl Default for MaskedAutoencoder {
    fn default() -> Self {
        MaskedAutoencoder {
            input: (1, 28, 28),
            patch: 7,
            share: 0.75,
            width: 64,
            heads: 4,
            blocks: [3, 1],
            init: Init::default(),
        }
    }
}

impl MaskedAutoencoder {
    /// Layers of encoder and decoder, to modify before [`Autoencoder::new`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::model::MaskedAutoencoder;
    /// let (encoder, _) = MaskedAutoencoder::default().layers();
    /// assert_eq!(encoder[..4], [Patches(7, 7), Linear(64), MaskSteps(0.75), Positions]);
    /// ```
    pub fn layers(&self) -> (Vec<Layer>, Vec<Layer>) {
        let (patch, [encoder_blocks, decoder_blocks]) = (self.patch, self.blocks);
        let mut encoder = vec![
            Layer::Patches(patch, patch),
            Layer::Linear(self.width),
            // Before the positions, so that the model knows which patch it predicts.
            Layer::MaskSteps(self.share),
            Layer::Positions,
        ];
        encoder.extend(self.transformer(encoder_blocks));
        let values = patch.saturating_mul(patch).saturating_mul(self.input.0);
        let mut decoder = self.transformer(decoder_blocks);
        decoder.extend([
            Layer::LayerNorm,
            Layer::Linear(values),
            Layer::Sigmoid,
            Layer::Unpatches(patch, patch, self.input),
        ]);
        (encoder, decoder)
    }

    /// Blocks of attention and two dense layers.
    fn transformer(&self, blocks: usize) -> Vec<Layer> {
        let attention = Layer::Residual(vec![Layer::LayerNorm, Layer::Attention(self.heads)]);
        let dense = Layer::Residual(vec![
            Layer::LayerNorm,
            Layer::Linear(self.width.saturating_mul(4)),
            Layer::Gelu,
            Layer::Linear(self.width),
        ]);
        let blocks = std::iter::repeat_n([attention, dense], blocks);
        blocks.flatten().collect()
    }

    /// Builds the model.
    ///
    /// # Errors
    /// The side of a patch does not divide height and width, the heads do not divide the width, there are more than
    /// 1000 blocks, or a setting is out of range.
    ///
    /// # Examples
    /// ```
    /// use candlebook::model::MaskedAutoencoder;
    /// assert!(MaskedAutoencoder { patch: 5, ..Default::default() }.build().is_err());
    /// ```
    pub fn build(&self) -> Result<Autoencoder> {
        let most = self.blocks[0].max(self.blocks[1]);
        if most > MAX_BLOCKS {
            return Err(Error::setting(
                "MaskedAutoencoder::blocks",
                format!("at most {MAX_BLOCKS} blocks"),
                most,
                "Start with [3, 1]",
            ));
        }
        let (encoder, decoder) = self.layers();
        Autoencoder::new_with(self.input, &encoder, &decoder, &self.init)
    }
}
