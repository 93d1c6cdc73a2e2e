//! Forward passes with gradients and labels, for custom training loops of conditional models.

use crate::error::Result;
use crate::loss::Loss;
use crate::model::autoencoder::Autoencoder;
use candle_core::Tensor;

impl Autoencoder {
    /// Reconstructs images of these classes with gradients, as [`Autoencoder::forward`] does, with a
    /// decoder with [`Condition`](crate::layer::Layer::Condition).
    ///
    /// # Shapes
    /// (n, c, h, w), (n) -> (n, c, h, w), on the model's device
    ///
    /// # Errors
    /// As [`Autoencoder::forward`]; another number of labels than of images, or a label of no class.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(256, 16);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8), Condition(10)])?;
    /// let mut optimizer = Optimizer::new(ae.parameters(), &Optim::adam(), Rates::default())?;
    /// for batch in data.train.batches(32, 0)? {
    ///     let (images, Some(labels)) = batch? else { break };
    ///     let output = ae.forward_labeled(&images, &labels.to_vec1()?, true)?;
    ///     optimizer.backward_step(&Loss::Mse.of(&output, &images)?)?;
    /// }
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn forward_labeled(&self, images: &Tensor, labels: &[u32], train: bool) -> Result<Tensor> {
        self.forward_with(images, Some(labels), train)
    }

    /// Mean loss of images of these classes in training, as [`Autoencoder::training_loss`] gives it,
    /// with a decoder with [`Condition`](crate::layer::Layer::Condition).
    ///
    /// # Shapes
    /// (n, c, h, w), (n) -> ()
    ///
    /// # Errors
    /// As [`Autoencoder::forward_labeled`] and [`Loss::of`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.train.first(2)?;
    /// let encoder = [Flatten, Linear(16), Gaussian(1.0), Condition(10)];
    /// let vae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
    /// let loss = vae.training_loss_labeled(&images, &[3, 7], Loss::BinaryCrossEntropy)?;
    /// assert!(loss.backward()?.get(&vae.parameters()[0]).is_some());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn training_loss_labeled(
        &self,
        images: &Tensor,
        labels: &[u32],
        loss: Loss,
    ) -> Result<Tensor> {
        self.training_loss_with(images, Some(labels), loss)
    }

    /// Decodes codes of these classes with gradients, as [`Autoencoder::forward_decoder`] does, with a
    /// decoder with [`Condition`](crate::layer::Layer::Condition).
    ///
    /// # Shapes
    /// (n, code), (n) -> (n, c, h, w), on the model's device
    ///
    /// # Errors
    /// As [`Autoencoder::forward_decoder`]; another number of labels than of codes, or a label of no
    /// class.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8), Condition(10)])?;
    /// let codes = Var::zeros((2, 8), DType::F32, &Device::Cpu)?;
    /// let loss = ae.forward_decoder_labeled(&codes, &[3, 7], false)?.sum_all()?;
    /// assert!(loss.backward()?.get(&codes).is_some());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn forward_decoder_labeled(
        &self,
        codes: &Tensor,
        labels: &[u32],
        train: bool,
    ) -> Result<Tensor> {
        self.forward_decoder_with(codes, Some(labels), train)
    }
}
