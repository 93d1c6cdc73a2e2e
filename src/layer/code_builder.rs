//! Code layers with optional settings, and modules of candle, as written in lists.

use crate::layer::layer::Layer;
use crate::layer::module::ModuleLayer;
use crate::layer::vector_quantize::VectorQuantizeSettings;
use candle_core::Module;
use candle_nn::VarBuilder;

/// The code of a VQ-VAE: each vector of the code is replaced by the nearest of a codebook of this number
/// of entries. Features are one vector, images one for each pixel.
///
/// Gradients pass straight through. The codebook starts with the k-means clusters of the first batch,
/// follows the vectors that choose its entries by moving averages, and moves entries that are no longer
/// used to vectors of the batch. [`Layer::learned_codebook`] trains it by the optimizer instead. The
/// loss gets a term, "quantization", which keeps the code close to its entries: see
/// [`Layer::commitment`].
///
/// Van den Oord and others, "Neural discrete representation learning", 2017.
///
/// # Shapes
/// (b, n) -> (b, n), or (b, c, h, w) -> (b, c, h, w)
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let data = mnist_embedded()?.take(200, 20);
/// let encoder = [Conv2d(8, 4).stride(4), Relu, Conv2d(4, 1), VectorQuantize(16)];
/// let mut ae = Autoencoder::symmetric(data.image_shape(), &encoder)?;
/// let history = ae.fit(&data, &Fit { epochs: 1, batch_size: 20, ..Default::default() })?;
/// assert_eq!(history.epochs[0].terms[0].name, "quantization");
/// assert_eq!(ae.code_shape(), [4, 7, 7]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[allow(non_snake_case)] // Reads like the variants of Layer.
pub const fn VectorQuantize(entries: usize) -> Layer {
    Layer::VectorQuantize(VectorQuantizeSettings::new(entries))
}

impl Layer {
    /// Sets the weight of the mean squared distance between a code and its entry of the codebook of a
    /// [`VectorQuantize`] layer. Defaults to 0.25.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let layer = VectorQuantize(64).commitment(1.0);
    /// assert_eq!(layer.to_string(), "VectorQuantize(64).commitment(1.0)");
    /// ```
    pub const fn commitment(self, weight: f64) -> Layer {
        let layer = match &self {
            Layer::VectorQuantize(quantize) => Layer::VectorQuantize(VectorQuantizeSettings {
                commitment: weight,
                ..*quantize
            }),
            other => other.unsupported("commitment", [Some(weight), None]),
        };
        // A const fn cannot run destructors; only a residual block has anything to free.
        std::mem::forget(self);
        layer
    }

    /// Lets the optimizer train the codebook of a [`VectorQuantize`] layer, by the mean squared distance
    /// between the entries and the codes that choose them, in place of moving averages.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8), VectorQuantize(64).learned_codebook()])?;
    /// assert_eq!(ae.variables()[2].0, "encoder.2.weight");
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub const fn learned_codebook(self) -> Layer {
        let layer = match &self {
            Layer::VectorQuantize(quantize) => Layer::VectorQuantize(VectorQuantizeSettings {
                learned: true,
                ..*quantize
            }),
            other => other.unsupported("learned_codebook", [None, None]),
        };
        // A const fn cannot run destructors; only a residual block has anything to free.
        std::mem::forget(self);
        layer
    }

    /// A module of candle as a layer. `build` creates it from the variables of the layer, which belong to
    /// the model: they are drawn from its seed, trained by [`Autoencoder::fit`], and saved. The module
    /// runs by candle's autograd, the other layers by the planned step.
    ///
    /// A file cannot hold the function: [`Autoencoder::save`] writes the weights only. To load them,
    /// build the model again and call [`Autoencoder::load_weights`].
    ///
    /// [`Autoencoder::fit`]: crate::model::Autoencoder::fit
    /// [`Autoencoder::save`]: crate::model::Autoencoder::save
    /// [`Autoencoder::load_weights`]: crate::model::Autoencoder::load_weights
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let dense = Layer::module("dense", |vb| candle_nn::linear(784, 32, vb));
    /// let decoder = [Linear(784), Sigmoid, Unflatten(1, 28, 28)];
    /// let ae = Autoencoder::new((1, 28, 28), &[Flatten, dense, Relu], &decoder)?;
    /// assert_eq!(ae.variables()[0].0, "encoder.1.weight");
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn module<M: Module + 'static>(
        name: &str,
        build: impl Fn(VarBuilder<'static>) -> candle_core::Result<M> + Send + Sync + 'static,
    ) -> Layer {
        Layer::Module(ModuleLayer::new(name.into(), build))
    }
}
