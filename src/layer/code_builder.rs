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

/// Keeps what passes it under a name, for [`Concat`]: a long skip connection. The model trains by candle's
/// autograd.
///
/// # Shapes
/// (b, c, h, w) -> (b, c, h, w)
///
/// # Examples
/// A small U-Net:
/// ```
/// use candlebook::prelude::*;
/// let encoder = [Conv2d(8, 3).padding(1), Relu, Save("fine"), MaxPool2d(2), Conv2d(16, 3).padding(1)];
/// let decoder = [Relu, Upsample(2), Concat("fine", 8), Conv2d(1, 3).padding(1), Sigmoid];
/// let ae = Autoencoder::new((1, 28, 28), &encoder, &decoder)?;
/// assert_eq!(ae.reconstruct(&mnist_embedded()?.test.first(2)?)?.dims(), [2, 1, 28, 28]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[allow(non_snake_case)] // Reads like the variants of Layer.
pub fn Save(name: &str) -> Layer {
    Layer::Save(name.into())
}

/// Joins what [`Save`] kept under this name, of this number of channels, behind the channels of the input.
/// Ronneberger and others, "U-Net", 2015. PyTorch: `torch.cat([x, saved], 1)`.
///
/// # Shapes
/// (b, c, h, w) -> (b, c + channels, h, w)
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let decoder = [Concat("image", 784), Linear(784), Unflatten(1, 28, 28)];
/// let ae = Autoencoder::new((1, 28, 28), &[Flatten, Save("image"), Linear(8)], &decoder)?;
/// assert_eq!(ae.variables()[2].1.dims(), [784, 792]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[allow(non_snake_case)] // Reads like the variants of Layer.
pub fn Concat(name: &str, channels: usize) -> Layer {
    Layer::Concat(name.into(), channels)
}

impl Layer {
    /// Ties the weights of a dense layer of the decoder to those of the encoder's layer with this index:
    /// they are its transposed weights, and both layers train them. Vincent and others, "Extracting and
    /// composing robust features with denoising autoencoders", 2008.
    ///
    /// The model trains by candle's autograd. Its file has the weights of both layers, as PyTorch's
    /// would.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let decoder = [Linear(784).tied(1), Sigmoid, Unflatten(1, 28, 28)];
    /// let ae = Autoencoder::new((1, 28, 28), &[Flatten, Linear(32), Relu], &decoder)?;
    /// assert_eq!(ae.count_params(), 784 * 32 + 32 + 784);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub const fn tied(self, layer: usize) -> Layer {
        let tied = match &self {
            Layer::Linear(outputs) => Layer::TiedLinear(*outputs, layer),
            other => other.unsupported("tied", [Some(layer as f64), None]),
        };
        // A const fn cannot run destructors; only a residual block has anything to free.
        std::mem::forget(self);
        tied
    }

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
