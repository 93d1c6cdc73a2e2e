//! Forward passes with gradients, for custom training loops.

use crate::error::{Error, Result};
use crate::layer::{ForwardState, Layer, Node, check_label_count};
use crate::lock::lock;
use crate::loss::Loss;
use crate::math::Rng;
use crate::model::autoencoder::Autoencoder;
use crate::model::reconstruct::shaped_as;
use crate::model::sequential::forward_state;
use candle_core::{Device, ModuleT, Tensor};

impl Autoencoder {
    /// Reconstructs images with gradients, for a custom training loop. PyTorch: `model(images)`
    /// after `model.train()` or `model.eval()`.
    ///
    /// With `train`, dropout drops values and batch normalization uses, and updates, the statistics
    /// of the batch. Dropout draws from a random stream of the model's seed, which continues from
    /// call to call.
    ///
    /// # Shapes
    /// (n, c, h, w) or (c, h, w) -> (n, c, h, w), on the model's device; vectors also (n, d) or (d)
    /// -> (n, d)
    ///
    /// # Errors
    /// The images do not have the model's shape; batch normalization in training on one value per
    /// channel.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(256, 16);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(16), Relu])?;
    /// let before = ae.evaluate(&data.test)?;
    /// let mut optimizer = Optimizer::new(ae.parameters(), &Optim::adam(), Rates::default())?;
    /// for batch in data.train.batches(32, 0)? {
    ///     let (images, _) = batch?;
    ///     let loss = Loss::Mse.of(&ae.forward(&images, true)?, &images)?;
    ///     optimizer.backward_step(&loss)?;
    /// }
    /// assert!(ae.evaluate(&data.test)? < before);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn forward(&self, images: &Tensor, train: bool) -> Result<Tensor> {
        self.forward_with(images, None, train)
    }

    /// [`Autoencoder::forward`] with the labels that a layer may read.
    pub(super) fn forward_with(
        &self,
        images: &Tensor,
        labels: Option<&[u32]>,
        train: bool,
    ) -> Result<Tensor> {
        let batch = self.shaped_images("forward", images)?;
        let state = &mut self.labeled_state(labels, &batch)?;
        let output = self.in_mode(&batch, train, |rng| self.run_layers(&batch, rng, state))?;
        state.update_buffers()?;
        shaped_as(images, output)
    }

    /// Mean loss of a batch in training, with the terms that layers add to it, such as the divergence
    /// of [`Gaussian`](crate::layer::Gaussian()), for a custom training loop. Settings that change
    /// during a run, such as a warm-up, have their final value.
    ///
    /// # Shapes
    /// (n, c, h, w) or (c, h, w) -> ()
    ///
    /// # Errors
    /// As [`Autoencoder::forward`] and [`Loss::of`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.train.first(8)?;
    /// let encoder = [Flatten, Linear(64), Relu, Linear(16), Gaussian(1.0)];
    /// let vae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
    /// let loss = vae.training_loss(&images, Loss::BinaryCrossEntropy)?;
    /// assert!(loss.backward()?.get(&vae.parameters()[0]).is_some());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn training_loss(&self, images: &Tensor, loss: Loss) -> Result<Tensor> {
        self.training_loss_with(images, None, loss)
    }

    /// [`Autoencoder::training_loss`] with the labels that a layer may read.
    pub(super) fn training_loss_with(
        &self,
        images: &Tensor,
        labels: Option<&[u32]>,
        loss: Loss,
    ) -> Result<Tensor> {
        let batch = self.shaped_images("training_loss", images)?;
        let state = &mut self.labeled_state(labels, &batch)?;
        let output = self.in_mode(&batch, true, |rng| self.run_layers(&batch, rng, state))?;
        state.update_buffers()?;
        let terms = self.shares(state)?;
        terms
            .into_iter()
            .try_fold(loss.of(&output, &batch)?, |sum, term| Ok((sum + term)?))
    }

    /// Encodes images with gradients, for a custom training loop, as [`Autoencoder::forward`] does.
    ///
    /// # Shapes
    /// (n, c, h, w) or (c, h, w) -> (n, code), on the model's device
    ///
    /// # Errors
    /// As [`Autoencoder::forward`].
    ///
    /// # Examples
    /// A penalty on the code:
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.train.first(8)?;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16), Relu])?;
    /// let codes = ae.forward_encoder(&images, true)?;
    /// let output = ae.forward_decoder(&codes, true)?;
    /// let loss = (Loss::Mse.of(&output, &images)? + (codes.abs()?.mean_all()? * 1e-3)?)?;
    /// assert!(loss.backward()?.get(&ae.parameters()[0]).is_some());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn forward_encoder(&self, images: &Tensor, train: bool) -> Result<Tensor> {
        let images = self.shaped_images("forward_encoder", images)?;
        let state = &mut self.loop_state();
        let codes = self.in_mode(&images, train, |rng| {
            self.encoder_net().forward(&images, rng, state)
        })?;
        state.update_buffers()?;
        Ok(codes)
    }

    /// Decodes codes with gradients, for a custom training loop, as [`Autoencoder::forward`] does.
    ///
    /// Without the images, unpooling writes values to the top left of their windows. Train models
    /// with unpooling by [`Autoencoder::forward`].
    ///
    /// # Shapes
    /// (n, code) or (code) -> (n, c, h, w), on the model's device
    ///
    /// # Errors
    /// The codes do not have the shape [`Autoencoder::code_shape`]; and as
    /// [`Autoencoder::forward`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// let codes = Var::zeros((3, 8), DType::F32, &Device::Cpu)?;
    /// let loss = ae.forward_decoder(&codes, false)?.sum_all()?;
    /// assert_eq!(loss.backward()?.get(&codes).map(|gradient| gradient.dims()), Some(&[3, 8][..]));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn forward_decoder(&self, codes: &Tensor, train: bool) -> Result<Tensor> {
        self.forward_decoder_with(codes, None, train)
    }

    /// [`Autoencoder::forward_decoder`] with the labels that a layer may read.
    pub(super) fn forward_decoder_with(
        &self,
        codes: &Tensor,
        labels: Option<&[u32]>,
        train: bool,
    ) -> Result<Tensor> {
        let codes = self.shaped_codes("forward_decoder", codes)?;
        let state = &mut self.labeled_state(labels, &codes)?;
        let images = self.in_mode(&codes, train, |rng| {
            self.decoder_net().forward(&codes, rng, state)
        })?;
        state.update_buffers()?;
        Ok(images)
    }

    /// Runs encoder and decoder with gradients. `rng` is given in training only.
    ///
    /// # Shapes
    /// (b, c, h, w) -> (b, c, h, w)
    pub(crate) fn run_layers(
        &self,
        images: &Tensor,
        mut rng: Option<&mut Rng>,
        state: &mut ForwardState,
    ) -> Result<Tensor> {
        let encoder = self.encoder_net();
        state.images = Some(images.clone());
        let codes = encoder.forward(images, rng.as_deref_mut(), state)?;
        self.decoder_net().forward(&codes, rng, state)
    }

    /// The first batch normalization of features, or of channels of one pixel, as written in errors.
    pub(crate) fn normalized_features(&self) -> Option<String> {
        let lists = [
            ("encoder", self.encoder_net()),
            ("decoder", self.decoder_net()),
        ];
        lists.into_iter().find_map(|(list, net)| {
            let single = |(node, shape): &(&Node, &Vec<usize>)| {
                node.layer == Layer::BatchNorm && shape[1..].iter().product::<usize>() == 1
            };
            let (node, _) = net.nodes().iter().zip(net.shapes()).find(single)?;
            Some(format!("{list} layer {}, {}", node.name, node.layer))
        })
    }

    /// Rejects a batch of one in training if a batch normalization sees one value per channel,
    /// which has no variance.
    fn check_batch(&self, batch: &Tensor) -> Result<()> {
        if batch.dim(0)? > 1 {
            return Ok(());
        }
        let Some(place) = self.normalized_features() else {
            return Ok(());
        };
        let expected = "at least 2 values per channel in training";
        let hint = "Train on batches of at least 2 images";
        Err(Error::shape(place, expected, 1, hint))
    }

    /// Calls `f` for a batch, with the model's random numbers in training only.
    fn in_mode(
        &self,
        batch: &Tensor,
        train: bool,
        f: impl FnOnce(Option<&mut Rng>) -> Result<Tensor>,
    ) -> Result<Tensor> {
        if !train {
            return f(None);
        }
        self.check_batch(batch)?;
        f(Some(&mut lock(self.dropout_rng())))
    }

    /// State before the first layer of a forward pass.
    pub(crate) fn forward_state(&self) -> ForwardState {
        forward_state(self.plan(), self.device())
    }

    /// State in a loop that does not count its steps: schedules are at their end.
    fn loop_state(&self) -> ForwardState {
        ForwardState {
            step: usize::MAX,
            ..self.forward_state()
        }
    }

    /// [`Autoencoder::loop_state`] with the labels that a layer may read.
    fn labeled_state(&self, labels: Option<&[u32]>, batch: &Tensor) -> Result<ForwardState> {
        if let Some(labels) = labels {
            check_label_count(labels.len(), batch.dim(0)?)?;
        }
        let labels = labels.map(|labels| Tensor::new(labels, &Device::Cpu));
        Ok(ForwardState {
            labels: labels.transpose()?,
            ..self.loop_state()
        })
    }
}

/// [`Autoencoder::forward`], for code that is generic over candle's modules.
impl ModuleT for Autoencoder {
    fn forward_t(&self, images: &Tensor, train: bool) -> candle_core::Result<Tensor> {
        self.forward(images, train)
            .map_err(candle_core::Error::wrap)
    }
}
