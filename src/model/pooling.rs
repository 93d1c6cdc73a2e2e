//! Convolutional autoencoder with max-pooling, as in a Torch7 post of 2016.

use crate::data::ImageShape;
use crate::error::Result;
use crate::layer::{Conv2d, Layer, MaxPool2d, MaxUnpool2d};
use crate::model::autoencoder::Autoencoder;
use crate::model::init::Init;

/// Convolutional autoencoder with max-pooling and unpooling, trained on ImageNet in Torch7 in 2016.
///
/// The encoder has three 3 x 3 convolutions with ReLU, max-pooling after the second and the third,
/// and a linear layer to the code. The decoder mirrors it. Unpooling restores values to the
/// positions of the maxima (Zeiler and Fergus, "Visualizing and understanding convolutional
/// networks", 2014), so the decoder receives those positions in addition to the code.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let ae = PoolingAutoencoder { input: (3, 32, 32), code: 64, ..Default::default() }.build()?;
/// assert_eq!(ae.code_shape(), [64]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PoolingAutoencoder {
    /// Channels, height and width of the images. Height and width must be divisible by 4.
    /// Defaults to (3, 224, 224).
    pub input: ImageShape,
    /// Output channels of the three convolutions. Defaults to [12, 12, 24].
    pub channels: [usize; 3],
    /// Size of the code. Defaults to 256.
    pub code: usize,
    /// Seed, first weights and device. Defaults to [`Init::default`].
    pub init: Init,
}

impl Default for PoolingAutoencoder {
    fn default() -> Self {
        PoolingAutoencoder {
            input: (3, 224, 224),
            channels: [12, 12, 24],
            code: 256,
            init: Init::default(),
        }
    }
}

impl PoolingAutoencoder {
    /// Layers of encoder and decoder, to modify before [`Autoencoder::new`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let settings = PoolingAutoencoder { input: (3, 32, 32), ..Default::default() };
    /// let (mut encoder, decoder) = settings.layers();
    /// encoder.insert(0, Dropout(0.1));
    /// let ae = Autoencoder::new(settings.input, &encoder, &decoder)?;
    /// assert_eq!(ae.code_shape(), [256]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn layers(&self) -> (Vec<Layer>, Vec<Layer>) {
        let (channels, height, width) = self.input;
        let [first, second, third] = self.channels;
        let conv = |channels| Conv2d(channels, 3).padding(1);
        let (pool, unpool) = (MaxPool2d(2), MaxUnpool2d(2));
        let (h, w) = (height / 4, width / 4); // after two poolings
        let encoder = vec![
            conv(first),
            Layer::Relu,
            conv(second),
            Layer::Relu,
            pool.clone(),
            conv(third),
            Layer::Relu,
            pool,
            Layer::Flatten,
            Layer::Linear(self.code),
        ];
        let decoder = vec![
            Layer::Linear(third.saturating_mul(h).saturating_mul(w)),
            Layer::Unflatten(third, h, w),
            unpool.clone(),
            Layer::Relu,
            conv(second),
            unpool,
            Layer::Relu,
            conv(first),
            Layer::Relu,
            conv(channels),
            Layer::Sigmoid,
        ];
        (encoder, decoder)
    }

    /// Builds the model.
    ///
    /// # Errors
    /// Height or width is not divisible by 4, or a setting is 0.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let error = PoolingAutoencoder { input: (3, 30, 30), ..Default::default() }.build();
    /// assert!(error.unwrap_err().to_string().contains("divisible by 2, got 15 x 15"));
    /// ```
    pub fn build(&self) -> Result<Autoencoder> {
        let (encoder, decoder) = self.layers();
        Autoencoder::new_with(self.input, &encoder, &decoder, &self.init)
    }
}
