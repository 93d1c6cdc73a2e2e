//! Sparse autoencoder: an overcomplete code of which an input uses few units.

use crate::data::ImageShape;
use crate::error::Result;
use crate::layer::Layer;
use crate::model::autoencoder::Autoencoder;
use crate::model::init::Init;

/// What makes the code of a [`SparseAutoencoder`] sparse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sparsity {
    /// A penalty on the magnitudes, with this weight: see [`Layer::L1`].
    L1(f64),
    /// A penalty on units whose mean activity is another than `rate`: see [`Layer::KlSparsity`].
    Kl {
        /// Mean activity, in (0, 1).
        rate: f64,
        /// Weight of the penalty.
        weight: f64,
    },
    /// Only the k largest values of an input are kept: see [`Layer::TopK`]. The decoder is a list of
    /// directions ([`Layer::unit_norm`]), and an auxiliary loss revives dead units
    /// ([`Layer::auxiliary`]).
    TopK(usize),
    /// As `TopK`, but the inputs of a batch share the values: see [`Layer::BatchTopK`].
    BatchTopK(usize),
    /// Only this share of a unit's values in a batch is kept in training: see [`Layer::WinnerTakeAll`].
    WinnerTakeAll(f64),
}

/// Sparse autoencoder of one hidden layer, for images or for vectors such as the activations of another network.
///
/// Penalties: Ng, "Sparse autoencoder", 2011; Makhzani and Frey, 2013 and 2015; Bricken and others, "Towards
/// monosemanticity", 2023; Gao and others, "Scaling and evaluating sparse autoencoders", 2024.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// use candlebook::model::{SparseAutoencoder, Sparsity};
/// let settings = SparseAutoencoder { input: (1, 1, 64), units: 512, sparsity: Sparsity::TopK(16), ..Default::default() };
/// assert_eq!(settings.build()?.code_shape(), [512]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SparseAutoencoder {
    /// Channels, height and width of the images, or (1, 1, d) for vectors. Defaults to (1, 28, 28).
    pub input: ImageShape,
    /// Units of the code. Defaults to 1000.
    pub units: usize,
    /// What makes the code sparse. Defaults to `Sparsity::L1(1e-4)`.
    pub sparsity: Sparsity,
    /// Seed, first weights and device. Defaults to [`Init::default`].
    pub init: Init,
}

impl Default for SparseAutoencoder {
    fn default() -> Self {
        SparseAutoencoder {
            input: (1, 28, 28),
            units: 1000,
            sparsity: Sparsity::L1(1e-4),
            init: Init::default(),
        }
    }
}

impl SparseAutoencoder {
    /// Layers of the encoder, to modify before [`Autoencoder::symmetric`]. `TopK` and `BatchTopK` need
    /// the decoder `[Linear(n).unit_norm(), Unflatten(c, h, w)]`.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::model::{SparseAutoencoder, Sparsity};
    /// let settings = SparseAutoencoder { sparsity: Sparsity::TopK(25), ..Default::default() };
    /// assert_eq!(settings.layers(), [Flatten, Linear(1000), Relu, TopK(25).auxiliary(392)]);
    /// ```
    pub fn layers(&self) -> Vec<Layer> {
        let (activation, penalty) = match self.sparsity {
            Sparsity::L1(weight) => (Layer::Relu, Layer::L1(weight)),
            Sparsity::Kl { rate, weight } => (Layer::Sigmoid, Layer::KlSparsity(rate, weight)),
            Sparsity::TopK(k) => (Layer::Relu, self.auxiliary(Layer::TopK(k))),
            Sparsity::BatchTopK(k) => (Layer::Relu, self.auxiliary(Layer::BatchTopK(k))),
            Sparsity::WinnerTakeAll(share) => (Layer::Relu, Layer::WinnerTakeAll(share)),
        };
        vec![
            Layer::Flatten,
            Layer::Linear(self.units),
            activation,
            penalty,
        ]
    }

    /// With an auxiliary loss for dead units, of half as many values as an input has.
    fn auxiliary(&self, code: Layer) -> Layer {
        let (c, h, w) = self.input;
        code.auxiliary(c.saturating_mul(h).saturating_mul(w).div_ceil(2))
    }

    /// Builds the model. With `TopK` and `BatchTopK`, the encoder begins as the transpose of the
    /// decoder, so that fewer units are dead from the start, and the outputs are linear: train with
    /// [`Loss::Mse`](crate::loss::Loss::Mse).
    ///
    /// # Errors
    /// A setting is out of range, such as a k above the size of the code.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::model::{SparseAutoencoder, Sparsity};
    /// let error = SparseAutoencoder { sparsity: Sparsity::TopK(2000), ..Default::default() }.build();
    /// assert!(error.unwrap_err().to_string().contains("expected 1 to 1000 values to keep"));
    /// ```
    pub fn build(&self) -> Result<Autoencoder> {
        let (c, h, w) = self.input;
        let (Sparsity::TopK(_) | Sparsity::BatchTopK(_)) = self.sparsity else {
            return Autoencoder::symmetric_with(self.input, &self.layers(), &self.init);
        };
        let decoder = [
            Layer::Linear(c.saturating_mul(h).saturating_mul(w)).unit_norm(),
            Layer::Unflatten(c, h, w),
        ];
        let ae = Autoencoder::new_with(self.input, &self.layers(), &decoder, &self.init)?;
        if let [(_, encoder), _, (_, decoder), _] = ae.variables().as_slice() {
            encoder.set(&decoder.as_tensor().detach().t()?.contiguous()?)?;
        }
        Ok(ae)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_activation() {
        let layers = |sparsity| {
            let settings = SparseAutoencoder {
                units: 20,
                sparsity,
                ..Default::default()
            };
            settings.build().unwrap().encoder()[2..].to_vec()
        };
        let kl = Sparsity::Kl {
            rate: 0.1,
            weight: 0.3,
        };
        assert_eq!(layers(kl), [Layer::Sigmoid, Layer::KlSparsity(0.1, 0.3)]);
        let share = Sparsity::WinnerTakeAll(0.05);
        assert_eq!(layers(share), [Layer::Relu, Layer::WinnerTakeAll(0.05)]);
    }
    #[test]
    fn an_encoder_with_directions_begins_as_the_transpose_of_its_decoder() {
        let settings = SparseAutoencoder {
            input: (1, 1, 6),
            units: 20,
            sparsity: Sparsity::BatchTopK(3),
            ..Default::default()
        };
        let ae = settings.build().unwrap();
        assert_eq!(ae.encoder()[3], Layer::BatchTopK(3).auxiliary(3));
        let variables = ae.variables();
        let rows = variables[0].1.to_vec2::<f32>().unwrap();
        let columns = variables[2].1.t().unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(rows, columns);
        for row in rows {
            let norm: f32 = row.iter().map(|value| value * value).sum();
            assert!((norm - 1.0).abs() < 1e-5, "{norm}");
        }
    }
}
