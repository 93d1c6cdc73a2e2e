//! Convolutional autoencoders for colour photographs, ready to be built: [`Pooled`], as a Torch7 post of 2016 had it, and
//! [`Strided`], as one would write it today.

use crate::data::ImageShape;
use crate::error::{Error, Result};
use crate::layer::{Conv2d, ConvTranspose2d, Layer};
use crate::model::autoencoder::Autoencoder;

/// The model that learned ImageNet's photographs in Torch7: three 3 x 3 convolutions with ReLU, max-pooling after the second
/// and third, and a linear layer to the code; the decoder mirrors it, and unpooling puts values back where pooling found them
/// (Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014). So a picture's code is not all that the
/// decoder gets: it is told the places of the maxima, too.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let ae = Pooled { input: (3, 32, 32), code: 64, ..Default::default() }.build()?;
/// assert_eq!(ae.code_shape(), [64]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pooled {
    /// Channels, height and width; both sides divisible by 4. Defaults to (3, 224, 224).
    pub input: ImageShape,
    /// Channels after each convolution. Defaults to 12, 12, 24.
    pub maps: [usize; 3],
    /// Numbers of the code. Defaults to 256.
    pub code: usize,
}

impl Default for Pooled {
    fn default() -> Self {
        Pooled {
            input: (3, 224, 224),
            maps: [12, 12, 24],
            code: 256,
        }
    }
}

impl Pooled {
    /// The encoder's layers, to change before [`Autoencoder::symmetric`].
    pub fn encoder(&self) -> Vec<Layer> {
        let conv = |maps| Conv2d(maps, 3).padding(1);
        let [first, second, third] = self.maps.map(conv);
        let last = [Layer::Flatten, Layer::Linear(self.code)];
        let pool = Layer::MaxPool2d(2);
        [
            first,
            Layer::Relu,
            second,
            Layer::Relu,
            pool.clone(),
            third,
            Layer::Relu,
            pool,
        ]
        .into_iter()
        .chain(last)
        .collect()
    }

    /// The model, with the weights of seed 0.
    ///
    /// # Errors
    /// A size that does not fit.
    pub fn build(&self) -> Result<Autoencoder> {
        Autoencoder::symmetric(self.input, &self.encoder())
    }
}

/// What one would write today: strided convolutions in place of pooling, batch normalization, residual blocks, and no linear
/// layers, so that the code keeps its place in the picture and is all that the decoder gets.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let ae = Strided { input: (3, 32, 32), ..Default::default() }.build()?;
/// assert_eq!(ae.code_shape(), [3, 4, 4]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strided {
    /// Channels, height and width; both sides divisible by 2 to the number of halvings. Defaults to (3, 224, 224).
    pub input: ImageShape,
    /// How often height and width are halved, 1 to 6. Defaults to 3.
    pub halvings: usize,
    /// Channels after the first halving; twice as many after the others. Defaults to 24.
    pub maps: usize,
    /// Residual blocks on each side, before the encoder's last halving, where there are three or more, and after the
    /// decoder's first doubling. Defaults to 1.
    pub blocks: usize,
    /// Channels of the code. Defaults to 3.
    pub code: usize,
}

impl Default for Strided {
    fn default() -> Self {
        Strided {
            input: (3, 224, 224),
            halvings: 3,
            maps: 24,
            blocks: 1,
            code: 3,
        }
    }
}

impl Strided {
    /// The encoder's and the decoder's layers, to change before [`Autoencoder::new`].
    pub fn layers(&self) -> (Vec<Layer>, Vec<Layer>) {
        let down = |maps| Conv2d(maps, 4).stride(2).padding(1);
        let up = |maps| ConvTranspose2d(maps, 4).stride(2).padding(1);
        let same = Conv2d(2 * self.maps, 3).padding(1);
        let block = || {
            Layer::Residual(vec![
                same.clone(),
                Layer::BatchNorm,
                Layer::Relu,
                same.clone(),
                Layer::BatchNorm,
            ])
        };
        let wide = |nth| if nth == 0 { self.maps } else { 2 * self.maps };
        let (mut encoder, mut decoder) = (Vec::new(), Vec::new());
        for nth in 0..self.halvings.saturating_sub(1) {
            encoder.extend([down(wide(nth)), Layer::BatchNorm, Layer::Relu]);
        }
        // What the last halving but one left has this many channels.
        if self.halvings > 2 {
            (0..self.blocks).for_each(|_| encoder.extend([block(), Layer::Relu]));
        }
        encoder.push(down(self.code));
        decoder.extend([up(2 * self.maps), Layer::BatchNorm, Layer::Relu]);
        (0..self.blocks).for_each(|_| decoder.extend([block(), Layer::Relu]));
        for nth in (0..self.halvings.saturating_sub(2)).rev() {
            decoder.extend([up(wide(nth)), Layer::BatchNorm, Layer::Relu]);
        }
        if self.halvings > 1 {
            decoder.push(up(self.input.0));
        } else {
            decoder.push(Conv2d(self.input.0, 3).padding(1));
        }
        decoder.push(Layer::Sigmoid);
        (encoder, decoder)
    }

    /// The model, with the weights of seed 0.
    ///
    /// # Errors
    /// A number outside its range, and a size that does not fit.
    pub fn build(&self) -> Result<Autoencoder> {
        if !(1..=6).contains(&self.halvings) {
            return Err(Error::setting(
                "Strided::halvings",
                "1 to 6",
                self.halvings,
                "3 makes 8 x 8 of 64 x 64",
            ));
        }
        for (name, value) in [
            ("maps", self.maps),
            ("code", self.code),
            ("blocks", self.blocks),
        ] {
            if value > 4096 {
                return Err(Error::setting(
                    format!("Strided::{name}"),
                    "at most 4096",
                    value,
                    "24 maps are a good start",
                ));
            }
        }
        let (_, h, w) = self.input;
        let window = 1 << self.halvings;
        if !h.is_multiple_of(window) || !w.is_multiple_of(window) {
            let expected = format!(
                "a height and width divisible by {window}, for {} halvings",
                self.halvings
            );
            return Err(Error::shape(
                "Strided",
                expected,
                format!("{h} x {w}"),
                "Choose another size, or fewer halvings",
            ));
        }
        let (encoder, decoder) = self.layers();
        Autoencoder::new(self.input, &encoder, &decoder)
    }
}
