//! The training methods of [`Autoencoder`].

use super::fit::Fit;
use super::history::History;
use super::run::Run;
use super::state::{Resumed, RunState};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::loss::Loss;
use crate::model::Autoencoder;
use candle_core::Device;
use std::path::Path;

impl Autoencoder {
    /// Trains on the training images, with progress under the cell.
    ///
    /// Another call continues from the current weights, with a new optimizer. Stop ends training at
    /// the next batch; the model keeps the weights of that moment, and [`History::stopped`] is
    /// true. From then on, [`Autoencoder::evaluate`] reports the loss of `fit`.
    ///
    /// # Errors
    /// Images of another shape than the model's; a setting outside its range; a loss that is not
    /// finite, after which the model has the weights of the last good epoch; a checkpoint that
    /// cannot be written.
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16), Relu])?;
    /// let before = ae.evaluate(&data.test)?;
    /// ae.fit(&data, &Fit { epochs: 1, batch_size: 20, ..Default::default() })?;
    /// assert!(ae.evaluate(&data.test)? < before);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn fit(&mut self, data: &Dataset, fit: &Fit) -> Result<History> {
        self.train(data, fit, None)
    }

    /// Continues a run from its checkpoint ([`Fit::checkpoint`]), with the run's settings, from the
    /// batch after the last one in the file. The result equals that of an uninterrupted run.
    /// Returns the model and the history of the whole run.
    ///
    /// # Errors
    /// A file without a training run, or of another data set; and as [`Autoencoder::fit`].
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let file = |name: &str| folder.path().join(name);
    /// let checkpoint = Some(file("run.safetensors"));
    /// ae.fit(&data, &Fit { epochs: 1, batch_size: 20, checkpoint, ..Default::default() })?;
    /// let (ae, history) = Autoencoder::resume(file("run.safetensors"), &data)?;
    /// assert_eq!(history.epochs.len(), 1);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn resume(path: impl AsRef<Path>, data: &Dataset) -> Result<(Self, History)> {
        Self::resume_on(path, data, &Device::Cpu)
    }

    /// Continues a run like [`Autoencoder::resume`], on `device`.
    ///
    /// # Errors
    /// As [`Autoencoder::resume`]; not enough memory on the device.
    ///
    /// # Examples
    /// ```no_run
    /// # use candlebook::prelude::*;
    /// let data = mnist()?;
    /// let (ae, history) = Autoencoder::resume_on("run.safetensors", &data, &best_device())?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn resume_on(
        path: impl AsRef<Path>,
        data: &Dataset,
        device: &Device,
    ) -> Result<(Self, History)> {
        let path = path.as_ref();
        let mut model = Autoencoder::load(path)?.to_device(device)?;
        let resumed = RunState::read(path, &model)?;
        let fit = Fit {
            checkpoint: Some(path.to_owned()), // It may have been moved.
            ..resumed.state.fit.clone()
        };
        let history = model.train(data, &fit, Some(resumed))?;
        Ok((model, history))
    }

    fn train(&mut self, data: &Dataset, fit: &Fit, resumed: Option<Resumed>) -> Result<History> {
        self.check_data(data)?;
        fit.check(data.train.len())?;
        if fit.loss == Loss::BinaryCrossEntropyWithLogits {
            self.check_logits()?;
        }
        self.set_trained_loss(fit.loss);
        // Inside the thread pool, so that steps need not wake it.
        let history = rayon::scope(|_| Run::new(self, data, fit, resumed)?.all_epochs())?;
        self.measure_dead_units(&data.train);
        Ok(history)
    }

    /// Rejects images of another shape than the model's.
    fn check_data(&self, data: &Dataset) -> Result<()> {
        if data.image_shape() == self.image_shape() {
            return Ok(());
        }
        Err(Error::shape(
            "fit",
            format!("images of the model's shape {:?}", self.image_shape()),
            format!("{:?}", data.image_shape()),
            "Build the model with data.image_shape()",
        ))
    }

    /// Rejects a decoder that ends in a sigmoid, because the loss applies it already.
    fn check_logits(&self) -> Result<()> {
        let reshapes = |layer: &&Layer| matches!(layer, Layer::Flatten | Layer::Unflatten(..));
        let last = self.decoder().iter().rev().find(|layer| !reshapes(layer));
        if last != Some(&Layer::Sigmoid) {
            return Ok(());
        }
        Err(Error::setting(
            "Fit::loss",
            "a decoder that outputs logits",
            "one that ends in Sigmoid",
            "Build it with Autoencoder::new without that Sigmoid, or choose \
             Loss::BinaryCrossEntropy",
        ))
    }
}
