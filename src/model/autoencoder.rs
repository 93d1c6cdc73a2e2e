//! The autoencoder: an encoder and a decoder, each a list of layers.

use crate::data::{ImageShape, is_vector};
use crate::error::Result;
use crate::layer::{Layer, mirror, nodes, shapes};
use crate::lock::lock;
use crate::loss::Loss;
use crate::math::{Purpose, Rng};
use crate::model::conditions::{check_conditions, split_condition};
use crate::model::errors::{check_image_shape, check_output, layer_error};
use crate::model::init::Init;
use crate::model::joint_plan::joint_plan;
use crate::model::last_run::LastRun;
use crate::model::long_skips::check_long_skips;
use crate::model::second_code::check_second_code;
use crate::model::sequential::Sequential;
use crate::model::unit_ranges::DeadUnits;
use crate::model::unpooling::check_unpooling;
use crate::model::vectors::shaped_decoder;
use crate::plan::Plan;
use candle_core::{Device, Var};
use std::sync::Mutex;

/// An autoencoder: the encoder compresses an image to a code, the decoder reconstructs the image
/// from the code.
///
/// Two lists of layers define the architecture. A model renders itself as a table of its layers.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(128), Relu, Dropout(0.2)])?;
/// assert_eq!(ae.count_params(), 784 * 128 + 128 + 128 * 784 + 784);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Debug)]
pub struct Autoencoder {
    input: ImageShape,
    encoder: Sequential,
    decoder: Sequential,
    /// Stages of encoder and decoder together.
    plan: Plan,
    device: Device,
    /// Loss of the last training run; [`Loss::Mse`] for a new model.
    pub(super) trained_loss: Loss,
    /// Units that did not respond after the last training run.
    pub(super) dead_units: Option<DeadUnits>,
    pub(super) last_run: LastRun,
    dropout_rng: Mutex<Rng>,
}

impl Autoencoder {
    /// Builds a model from the layers of encoder and decoder, with the weights of seed 0, on the
    /// CPU.
    ///
    /// # Errors
    /// A layer does not fit the shape of its input, or the decoder's output is not an image of
    /// the input's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let encoder = [Flatten, Linear(32), Relu];
    /// let decoder = [Linear(784), Sigmoid, Unflatten(1, 28, 28)];
    /// let ae = Autoencoder::new((1, 28, 28), &encoder, &decoder)?;
    /// assert_eq!(ae.code_shape(), [32]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn new(input: ImageShape, encoder: &[Layer], decoder: &[Layer]) -> Result<Self> {
        Self::new_with(input, encoder, decoder, &Init::default())
    }

    /// Builds a model from the layers of encoder and decoder, with a chosen seed, first weights and
    /// device.
    ///
    /// # Errors
    /// As [`Autoencoder::new`]; a scheme of weights for a layer that the model does not have; also
    /// if the device runs out of memory.
    ///
    /// # Examples
    /// ```
    /// use candlebook::model::Init;
    /// use candlebook::prelude::*;
    /// let (encoder, decoder) = ([Flatten, Linear(4)], [Linear(784), Unflatten(1, 28, 28)]);
    /// let init = Init { seed: 1, device: best_device(), ..Default::default() };
    /// let ae = Autoencoder::new_with((1, 28, 28), &encoder, &decoder, &init)?;
    /// assert_eq!(ae.code_shape(), [4]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn new_with(
        input: ImageShape,
        encoder: &[Layer],
        decoder: &[Layer],
        init: &Init,
    ) -> Result<Self> {
        check_image_shape(input)?;
        init.check()?;
        check_conditions(encoder)?;
        let (c, h, w) = input;
        let encoder = Sequential::new("encoder", encoder, &[c, h, w], init)?;
        let code_shape = encoder.output_shape();
        let decoder = shaped_decoder(input, decoder, code_shape);
        let mut decoder = Sequential::new("decoder", &decoder, code_shape, init)?;
        decoder.tie(&encoder)?;
        init.check_names(&[encoder.weighted_names(), decoder.weighted_names()].concat())?;
        // An unpooling without its output_size also changes the output: its error says what to write.
        check_unpooling(&encoder, &decoder)?;
        check_long_skips(&encoder, &decoder)?;
        check_output(input, decoder.layers().len(), decoder.output_shape())?;
        check_second_code(input, &encoder, &decoder)?;
        Ok(Autoencoder {
            input,
            plan: joint_plan(&encoder, &decoder),
            encoder,
            decoder,
            device: init.device.clone(),
            trained_loss: Loss::default(),
            dead_units: None,
            last_run: LastRun::default(),
            dropout_rng: Mutex::new(Rng::new(init.seed, Purpose::Dropout)),
        })
    }

    /// Builds a model whose decoder mirrors the encoder, with the weights of seed 0, on the CPU.
    ///
    /// The decoder ends in a sigmoid, so that pixels are in [0, 1]. For example,
    /// `[Flatten, Linear(512), Relu, Linear(32)]` is mirrored by
    /// `[Linear(512), Relu, Linear(784), Sigmoid, Unflatten(1, 28, 28)]`: activations and dropout
    /// between two layers move between their mirrors. Layers before the first one with weights,
    /// such as dropout on the image, have no mirror. [`Condition`](Layer::Condition) at the end joins
    /// labels to the code, at the front of the decoder.
    ///
    /// Vectors ([`Split::vectors`](crate::data::Split::vectors)), of shape (1, 1, d), have numbers
    /// of any range. Their decoder has no sigmoid. They are flat already: `[Linear(4), Tanh]` needs
    /// no `Flatten`, and its mirror is `[Linear(d), Unflatten(1, 1, d)]`.
    ///
    /// [`Loss::BinaryCrossEntropyWithLogits`] applies the sigmoid itself. For this loss, pass a
    /// decoder without a sigmoid to [`Autoencoder::new`].
    ///
    /// # Errors
    /// A layer does not fit the shape of its input, or cannot be mirrored.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(128), Relu])?;
    /// assert_eq!(ae.decoder(), [Linear(784), Sigmoid, Unflatten(1, 28, 28)]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn symmetric(input: ImageShape, encoder: &[Layer]) -> Result<Self> {
        Self::symmetric_with(input, encoder, &Init::default())
    }

    /// Builds a model whose decoder mirrors the encoder, with a chosen seed, first weights and
    /// device.
    ///
    /// # Errors
    /// As [`Autoencoder::symmetric`] and [`Autoencoder::new_with`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::model::Init;
    /// use candlebook::prelude::*;
    /// let init = Init { seed: 1, ..Default::default() };
    /// let ae = Autoencoder::symmetric_with((1, 28, 28), &[Flatten, Linear(16)], &init)?;
    /// assert_eq!(ae.code_shape(), [16]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn symmetric_with(input: ImageShape, encoder: &[Layer], init: &Init) -> Result<Self> {
        check_image_shape(input)?;
        let (c, h, w) = input;
        let (encoder, condition) = split_condition(encoder);
        let nodes = nodes(encoder);
        let last = (!is_vector(input)).then_some(Layer::Sigmoid);
        let decoder = shapes(&nodes, &[c, h, w])
            .and_then(|shapes| mirror(encoder, &nodes, &shapes, last))
            .map_err(|(i, error)| layer_error("encoder", &nodes[i], error))?;
        let decoder: Vec<Layer> = condition.into_iter().chain(decoder).collect();
        Self::new_with(input, encoder, &decoder, init)
    }

    /// Copies the model. Training one of the two leaves the other unchanged.
    ///
    /// # Errors
    /// The device runs out of memory.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(64, 16);
    /// let before = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// let mut after = before.copy()?;
    /// after.fit(&data, &Fit { epochs: 1, batch_size: 16, ..Default::default() })?;
    /// assert!(after.evaluate(&data.test)? < before.evaluate(&data.test)?);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn copy(&self) -> Result<Self> {
        self.to_device(&self.device)
    }

    /// Copies the model to a device, such as [`best_device()`](crate::device::best_device).
    ///
    /// Training and evaluation run on the model's device. Batches are moved there one by one;
    /// codes and reconstructions are returned on the device of their input.
    ///
    /// # Errors
    /// The device runs out of memory.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let device = best_device();
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?.to_device(&device)?;
    /// assert!(ae.device().same_device(&device));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        let encoder = self.encoder.copy(device)?;
        let mut decoder = self.decoder.copy(device)?;
        decoder.tie(&encoder)?;
        Ok(Autoencoder {
            input: self.input,
            encoder,
            decoder,
            plan: self.plan.clone(),
            device: device.clone(),
            trained_loss: self.trained_loss,
            dead_units: self.dead_units.clone(),
            last_run: self.last_run.clone(),
            dropout_rng: Mutex::new(lock(&self.dropout_rng).clone()),
        })
    }

    /// Channels, height and width of the images.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// assert_eq!(ae.image_shape(), (1, 28, 28));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn image_shape(&self) -> ImageShape {
        self.input
    }

    /// Layers of the encoder.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// assert_eq!(ae.encoder(), [Flatten, Linear(8)]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn encoder(&self) -> &[Layer] {
        self.encoder.layers()
    }

    /// Layers of the decoder.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// assert_eq!(ae.decoder(), [Linear(784), Sigmoid, Unflatten(1, 28, 28)]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn decoder(&self) -> &[Layer] {
        self.decoder.layers()
    }

    /// Shape of a code, without the batch dimension: `[128]` for 128 units.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Conv2d(4, 2).stride(2)])?;
    /// assert_eq!(ae.code_shape(), [4, 14, 14]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn code_shape(&self) -> &[usize] {
        self.encoder.output_shape()
    }

    /// Device that holds the weights.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// assert!(ae.device().is_cpu());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Trainable variables under their names in a PyTorch state dict, such as `encoder.1.weight`.
    ///
    /// They are ordinary candle variables, shared with the model: setting one changes the model.
    /// PyTorch: `named_parameters()`.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// let (name, weight) = &ae.variables()[0];
    /// assert_eq!((name.as_str(), weight.dims()), ("encoder.1.weight", &[8, 784][..]));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn variables(&self) -> Vec<(String, Var)> {
        let decoder = self.decoder.named_variables();
        [self.encoder.named_variables(), decoder].concat()
    }

    /// Trainable variables without names, for candle's optimizers. PyTorch: `parameters()`.
    ///
    /// # Examples
    /// ```
    /// use candle_nn::{Optimizer, SGD};
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// let sgd = SGD::new(ae.parameters(), 0.1)?;
    /// assert_eq!(sgd.learning_rate(), 0.1);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn parameters(&self) -> Vec<Var> {
        self.variables().into_iter().map(|(_, var)| var).collect()
    }

    /// Running means and variances of batch normalization, under names such as
    /// `encoder.1.running_mean`. PyTorch: `named_buffers()`.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, BatchNorm, Linear(8)])?;
    /// assert_eq!(ae.buffers()[0].0, "encoder.1.running_mean");
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn buffers(&self) -> Vec<(String, Var)> {
        [self.encoder.named_buffers(), self.decoder.named_buffers()].concat()
    }

    /// Number of trainable parameters. Keras: `model.count_params()`.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// assert_eq!(ae.count_params(), (784 + 1) * 8 + (8 + 1) * 784);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn count_params(&self) -> usize {
        self.parameters().iter().map(|var| var.elem_count()).sum()
    }

    /// Random numbers of dropout in custom training loops.
    pub(crate) fn dropout_rng(&self) -> &Mutex<Rng> {
        &self.dropout_rng
    }

    /// True if a layer is a module of candle, whose function no file can hold.
    pub(crate) fn has_modules(&self) -> bool {
        let mut nodes = self.encoder.nodes().iter().chain(self.decoder.nodes());
        nodes.any(|node| matches!(node.layer, Layer::Module(_)))
    }

    /// Encoder and decoder as one plan for the CPU.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The encoder with its variables.
    pub(crate) fn encoder_net(&self) -> &Sequential {
        &self.encoder
    }

    /// The decoder with its variables.
    pub(crate) fn decoder_net(&self) -> &Sequential {
        &self.decoder
    }
}
