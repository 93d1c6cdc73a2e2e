//! Variational autoencoder with dense layers.

use crate::data::ImageShape;
use crate::error::Result;
use crate::layer::{Gaussian, Layer};
use crate::model::autoencoder::Autoencoder;
use crate::model::init::Init;

/// Variational autoencoder with dense layers (Kingma and Welling, "Auto-encoding variational Bayes", 2013).
///
/// The defaults are those of PyTorch's example: 784-400-20. With `beta`, it is a beta-VAE (Higgins and others,
/// 2017), with `total_correlation` a beta-TCVAE (Chen and others, 2018). With `classes`, the decoder gets the
/// labels too (Sohn and others, 2015), and `class_samples` draws images of each class.
///
/// Train it with [`Loss::BinaryCrossEntropy`](crate::loss::Loss::BinaryCrossEntropy).
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let vae = VariationalAutoencoder { code: 2, classes: Some(10), ..Default::default() }.build()?;
/// assert_eq!(vae.code_shape(), [2]);
/// assert_eq!(vae.decoder()[0], Condition(10));
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct VariationalAutoencoder {
    /// Channels, height and width of the images. Defaults to (1, 28, 28).
    pub input: ImageShape,
    /// Units of the hidden layers of the encoder; the decoder has them in reverse order. Defaults to `[400]`.
    pub hidden: Vec<usize>,
    /// Units of the code. Defaults to 20.
    pub code: usize,
    /// Factor of the divergence. Defaults to 1.
    pub beta: f64,
    /// Divergence of a unit, in nats, below which it costs the same. Defaults to 0.
    pub free_bits: f64,
    /// Steps in which the factors grow from 0 to their values. Defaults to 0.
    pub warm_up: usize,
    /// Factor of the total correlation, in addition to `beta`. Defaults to 0.
    pub total_correlation: f64,
    /// Classes whose labels the decoder gets. Defaults to none.
    pub classes: Option<usize>,
    /// Seed, first weights and device. Defaults to [`Init::default`].
    pub init: Init,
}

impl Default for VariationalAutoencoder {
    fn default() -> Self {
        VariationalAutoencoder {
            input: (1, 28, 28),
            hidden: vec![400],
            code: 20,
            beta: 1.0,
            free_bits: 0.0,
            warm_up: 0,
            total_correlation: 0.0,
            classes: None,
            init: Init::default(),
        }
    }
}

impl VariationalAutoencoder {
    /// Layers of the encoder, to modify before [`Autoencoder::symmetric`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let layers = VariationalAutoencoder::default().layers();
    /// assert_eq!(layers, [Flatten, Linear(400), Relu, Linear(40), Gaussian(1.0)]);
    /// ```
    pub fn layers(&self) -> Vec<Layer> {
        let mut layers = vec![Layer::Flatten];
        for &units in &self.hidden {
            layers.extend([Layer::Linear(units), Layer::Relu]);
        }
        let gaussian = Gaussian(self.beta)
            .free_bits(self.free_bits)
            .warm_up(self.warm_up)
            .total_correlation(self.total_correlation);
        layers.extend([Layer::Linear(self.code.saturating_mul(2)), gaussian]);
        layers.extend(self.classes.map(Layer::Condition));
        layers
    }

    /// Builds the model.
    ///
    /// # Errors
    /// A setting is 0 or out of range.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let error = VariationalAutoencoder { beta: -1.0, ..Default::default() }.build().unwrap_err();
    /// assert!(error.to_string().contains("expected a beta in [0, 1000000], got -1"));
    /// ```
    pub fn build(&self) -> Result<Autoencoder> {
        Autoencoder::symmetric_with(self.input, &self.layers(), &self.init)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_reach_the_layer() {
        let settings = VariationalAutoencoder {
            free_bits: 0.1,
            warm_up: 50,
            total_correlation: 5.0,
            classes: Some(10),
            ..Default::default()
        };
        let layers = settings.layers();
        let gaussian = "Gaussian(1.0).free_bits(0.1).warm_up(50).total_correlation(5.0)";
        assert_eq!(layers[4].to_string(), gaussian);
        assert_eq!(settings.build().unwrap().decoder()[0], Layer::Condition(10));
    }
}
