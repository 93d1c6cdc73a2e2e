//! Mean loss of a model over a split.

use crate::cell::check_stopped;
use crate::data::Split;
use crate::dist::World;
use crate::error::{Error, Result};
use crate::layer::ForwardState;
use crate::loss::Loss;
use crate::model::autoencoder::Autoencoder;
use crate::model::micro_batch::micro_batch;
use candle_core::Tensor;

impl Autoencoder {
    /// Mean loss over a split in evaluation mode, in the loss that the model was trained with. A
    /// new model is evaluated in the mean squared error.
    ///
    /// # Errors
    /// The split is empty, or the images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// assert_eq!(ae.evaluate(&data.test)?, ae.evaluate_with(&data.test, Loss::Mse)?);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn evaluate(&self, split: &Split) -> Result<f32> {
        self.evaluate_with(split, self.trained_loss())
    }

    /// Mean of any loss over a split, in evaluation mode.
    ///
    /// # Errors
    /// The split is empty, the images do not have the model's shape, or the loss is not defined for
    /// the data or the model's output.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// let loss = ae.evaluate_with(&data.test, Loss::BinaryCrossEntropy)?;
    /// assert!((0.6..0.8).contains(&loss)); // close to ln 2, because pixels are still near 0.5
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn evaluate_with(&self, split: &Split, loss: Loss) -> Result<f32> {
        Ok(self.mean_losses(split, loss)?.total())
    }

    /// Reconstruction loss and terms of the layers, as [`Autoencoder::evaluate_with`] means them.
    pub(crate) fn mean_losses(&self, split: &Split, loss: Loss) -> Result<MeanLosses> {
        self.mean_losses_on(split, loss, &World::default())
    }

    /// As [`Autoencoder::mean_losses`], this rank's summands of the means.
    pub(crate) fn mean_losses_on(
        &self,
        split: &Split,
        loss: Loss,
        world: &World,
    ) -> Result<MeanLosses> {
        self.check_loss("loss", loss, split.value_range())?;
        if self.term_names().is_empty() {
            return self.means(split, world, |images, labels| {
                let output = self.reconstruct_batch(images, labels.as_ref())?;
                Ok((loss.mean(&output, images)?, Vec::new()))
            });
        }
        self.mean_losses_by(split, world, &|input, _, output| loss.mean(output, input))
    }

    /// Means of a function of input, code and output, and of the terms of the layers: this rank's
    /// summands.
    pub(crate) fn mean_losses_by(
        &self,
        split: &Split,
        world: &World,
        loss: &dyn Fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor>,
    ) -> Result<MeanLosses> {
        self.means(split, world, |images, labels| {
            let mut state = ForwardState {
                labels,
                ..self.forward_state()
            };
            let code = self.encoder_net().forward(images, None, &mut state)?;
            let output = self.decoder_net().forward(&code, None, &mut state)?;
            Ok((loss(images, &code, &output)?, self.shares(&state)?))
        })
    }

    /// Rejects a split without images, or with images of another shape than the model's.
    pub(crate) fn check_images(&self, what: &str, split: &Split) -> Result<()> {
        split.not_empty(what)?;
        if split.image_shape() == self.image_shape() {
            return Ok(());
        }
        let expected = format!("images of the model's shape {:?}", self.image_shape());
        let got = format!("images of shape {:?}", split.image_shape());
        let hint = "Build the model for this data";
        Err(Error::shape(what, expected, got, hint))
    }

    /// Means over a split of the losses of its batches, and of their terms. Each rank has some of the
    /// batches, and the sums over all ranks are the means.
    fn means(
        &self,
        split: &Split,
        world: &World,
        losses: impl Fn(&Tensor, Option<Tensor>) -> Result<(Tensor, Vec<Tensor>)>,
    ) -> Result<MeanLosses> {
        self.check_images("evaluate", split)?;
        let (c, h, w) = self.image_shape();
        let positions: Vec<usize> = (0..split.len()).collect();
        // Batches of equal size, because terms like Mmd's are means over a batch.
        let batches = split.len().div_ceil(micro_batch(c * h * w));
        let size = split.len().div_ceil(batches);
        let mut means = MeanLosses {
            reconstruction: 0.0,
            terms: vec![0.0; self.term_names().len()],
        };
        let all = positions.chunks(size);
        for positions in all.skip(world.rank()).step_by(world.size()) {
            check_stopped()?;
            let images = split.images(positions)?.to_device(self.device())?;
            let weight = positions.len() as f64 / split.len() as f64;
            let (loss, terms) = losses(&images, split.labels_at(positions)?)?;
            let value = |mean: Tensor| Ok::<f64, Error>(f64::from(mean.to_scalar::<f32>()?));
            means.reconstruction += weight * value(loss)?;
            for (sum, term) in means.terms.iter_mut().zip(terms) {
                *sum += weight * value(term)?;
            }
        }
        Ok(means)
    }
}

/// Mean losses over a split.
#[derive(Clone, Debug)]
pub(crate) struct MeanLosses {
    pub(crate) reconstruction: f64,
    /// Share of each term of the layers.
    pub(crate) terms: Vec<f64>,
}

impl MeanLosses {
    /// The means, from the summands of all ranks.
    pub(crate) fn joined(self, world: &World) -> Result<Self> {
        let mut sums = [&[self.reconstruction], &self.terms[..]].concat();
        world.sum(&mut sums)?;
        Ok(MeanLosses {
            reconstruction: sums[0],
            terms: sums.split_off(1),
        })
    }

    pub(crate) fn total(&self) -> f32 {
        (self.reconstruction + self.terms.iter().sum::<f64>()) as f32
    }
}
