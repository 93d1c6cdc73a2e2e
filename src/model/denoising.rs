//! Denoising autoencoder with dense layers.

use crate::data::{ImageShape, is_vector};
use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::model::autoencoder::Autoencoder;
use crate::model::init::Init;

/// Denoising autoencoder: it restores corrupted images (Vincent and others, "Extracting and composing robust
/// features with denoising autoencoders", 2008).
///
/// The defaults are those of the paper for MNIST: a quarter of the pixels is masked, and 1000 units with a
/// sigmoid. The corruption acts in training only. `pretrain` trains several hidden layers one by one.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// use candlebook::model::DenoisingAutoencoder;
/// let settings = DenoisingAutoencoder { corruption: GaussianNoise(0.5), ..Default::default() };
/// assert_eq!(settings.build()?.encoder()[..2], [GaussianNoise(0.5), Clamp(0.0, 1.0)]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DenoisingAutoencoder {
    /// Channels, height and width of the images. Defaults to (1, 28, 28).
    pub input: ImageShape,
    /// `MaskingNoise(p)`, `SaltAndPepperNoise(p)` or `GaussianNoise(std)`. Images stay in [0, 1]. Defaults to
    /// `MaskingNoise(0.25)`.
    pub corruption: Layer,
    /// Units of the hidden layers; the last is the code. Defaults to `[1000]`.
    pub hidden: Vec<usize>,
    /// Seed, first weights and device. Defaults to [`Init::default`].
    pub init: Init,
}

impl Default for DenoisingAutoencoder {
    fn default() -> Self {
        DenoisingAutoencoder {
            input: (1, 28, 28),
            corruption: Layer::MaskingNoise(0.25),
            hidden: vec![1000],
            init: Init::default(),
        }
    }
}

impl DenoisingAutoencoder {
    /// Layers of the encoder, to modify before [`Autoencoder::symmetric`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::model::DenoisingAutoencoder;
    /// let layers = DenoisingAutoencoder::default().layers();
    /// assert_eq!(layers, [MaskingNoise(0.25), Flatten, Linear(1000), Sigmoid]);
    /// ```
    pub fn layers(&self) -> Vec<Layer> {
        let mut layers = vec![self.corruption.clone()];
        // The other two keep pixels in their range.
        if matches!(self.corruption, Layer::GaussianNoise(_)) && !is_vector(self.input) {
            layers.push(Layer::Clamp(0.0, 1.0));
        }
        layers.push(Layer::Flatten);
        for &units in &self.hidden {
            layers.extend([Layer::Linear(units), Layer::Sigmoid]);
        }
        layers
    }

    /// Builds the model.
    ///
    /// # Errors
    /// The corruption is another layer; a setting is 0 or out of range.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::model::DenoisingAutoencoder;
    /// let error = DenoisingAutoencoder { corruption: Relu, ..Default::default() }.build().unwrap_err();
    /// assert!(error.to_string().contains("expected a noise layer, got Relu"));
    /// ```
    pub fn build(&self) -> Result<Autoencoder> {
        let noise = matches!(
            self.corruption,
            Layer::GaussianNoise(_) | Layer::MaskingNoise(_) | Layer::SaltAndPepperNoise(_)
        );
        if !noise {
            return Err(Error::setting(
                "DenoisingAutoencoder::corruption",
                "a noise layer",
                &self.corruption,
                "Choose MaskingNoise(0.25), SaltAndPepperNoise(0.25) or GaussianNoise(0.5)",
            ));
        }
        Autoencoder::symmetric_with(self.input, &self.layers(), &self.init)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_noise_on_vectors_is_not_clipped() {
        let settings = DenoisingAutoencoder {
            input: (1, 1, 8),
            corruption: Layer::GaussianNoise(0.5),
            hidden: vec![4],
            ..Default::default()
        };
        assert!(!settings.layers().contains(&Layer::Clamp(0.0, 1.0)));
        assert_eq!(settings.build().unwrap().code_shape(), [4]);
    }
}
