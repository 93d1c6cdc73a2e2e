//! Recurrent autoencoder, which reads and writes images row by row.

use crate::data::{ImageShape, is_vector};
use crate::error::Result;
use crate::layer::Layer;
use crate::model::autoencoder::Autoencoder;
use crate::model::init::Init;

/// Recurrent autoencoder: a long short-term memory reads an image row by row, another one writes it (Srivastava and
/// others, "Unsupervised learning of video representations using LSTMs", 2015).
///
/// The code is the last hidden state of the reader. The writer gets it in each step, as in Keras' post "Building
/// autoencoders". A learned vector for each row is added to its states, so that the mean image, which differs from row
/// to row, is learned at once.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// use candlebook::model::SequenceAutoencoder;
/// let ae = SequenceAutoencoder { units: 32, ..Default::default() }.build()?;
/// assert_eq!(ae.code_shape(), [32]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SequenceAutoencoder {
    /// Channels, height and width of the images. Defaults to (1, 28, 28).
    pub input: ImageShape,
    /// Units of each memory. Defaults to 128.
    pub units: usize,
    /// Seed, first weights and device. Defaults to [`Init::default`].
    pub init: Init,
}

impl Default for SequenceAutoencoder {
    fn default() -> Self {
        SequenceAutoencoder {
            input: (1, 28, 28),
            units: 128,
            init: Init::default(),
        }
    }
}

impl SequenceAutoencoder {
    /// Layers of the encoder.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::model::SequenceAutoencoder;
    /// assert_eq!(SequenceAutoencoder::default().layers(), [Patches(1, 28), Lstm(128)]);
    /// ```
    pub fn layers(&self) -> Vec<Layer> {
        let (_, _, width) = self.input;
        vec![Layer::Patches(1, width), Layer::Lstm(self.units)]
    }

    /// Builds the model.
    ///
    /// # Errors
    /// A setting is 0.
    ///
    /// # Examples
    /// ```
    /// use candlebook::model::SequenceAutoencoder;
    /// assert!(SequenceAutoencoder { units: 0, ..Default::default() }.build().is_err());
    /// ```
    pub fn build(&self) -> Result<Autoencoder> {
        let (c, h, w) = self.input;
        let mut decoder = vec![
            Layer::Repeat(h),
            Layer::LstmSteps(self.units),
            Layer::Positions,
            Layer::Linear(c.saturating_mul(w)),
        ];
        if !is_vector(self.input) {
            decoder.push(Layer::Sigmoid);
        }
        decoder.push(Layer::Unpatches(1, w, self.input));
        Autoencoder::new_with(self.input, &self.layers(), &decoder, &self.init)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_gets_the_code_in_each_row() {
        let settings = SequenceAutoencoder {
            input: (1, 6, 4),
            units: 5,
            ..Default::default()
        };
        let decoder = [
            Layer::Repeat(6),
            Layer::LstmSteps(5),
            Layer::Positions,
            Layer::Linear(4),
            Layer::Sigmoid,
            Layer::Unpatches(1, 4, (1, 6, 4)),
        ];
        assert_eq!(settings.build().unwrap().decoder(), decoder);
    }
}
