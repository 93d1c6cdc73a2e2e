//! The training methods of [`Autoencoder`].

use super::checks::{check, check_batches};
use super::fit::Fit;
use super::history::History;
use super::resume::Resume;
use super::run::Run;
use super::state::{Resumed, RunState};
use crate::data::Dataset;
use crate::error::Result;
use crate::model::Autoencoder;
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
    /// defined for the data or the decoder's output; a decoder that cannot output the data; batch
    /// normalization of a single image's features; weights that are not finite; a loss that is not
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
    /// A run that is complete is returned as it is, with a note. [`Autoencoder::resume_with`] trains
    /// it for more epochs.
    ///
    /// # Errors
    /// A file without a training run; other training images than the run's; and as
    /// [`Autoencoder::fit`].
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
        Self::resume_with(path, data, &Resume::default())
    }

    /// Continues a run like [`Autoencoder::resume`], for more epochs or on another device.
    ///
    /// # Errors
    /// As [`Autoencoder::resume`]; fewer epochs than the run has finished; not enough memory on the
    /// device.
    ///
    /// # Examples
    /// Two more epochs, with the optimizer as it was:
    /// ```
    /// # use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let file = |name: &str| folder.path().join(name);
    /// let checkpoint = Some(file("run.safetensors"));
    /// ae.fit(&data, &Fit { epochs: 1, batch_size: 20, checkpoint, ..Default::default() })?;
    /// let more = Resume { epochs: Some(3), ..Default::default() };
    /// let (ae, history) = Autoencoder::resume_with(file("run.safetensors"), &data, &more)?;
    /// assert_eq!(history.epochs.len(), 3);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn resume_with(
        path: impl AsRef<Path>,
        data: &Dataset,
        resume: &Resume,
    ) -> Result<(Self, History)> {
        let path = path.as_ref();
        let mut model = Autoencoder::load(path)?.to_device(&resume.device)?;
        let mut resumed = RunState::read(path, &model)?;
        let fit = Fit {
            checkpoint: Some(path.to_owned()), // It may have been moved.
            epochs: resume.epochs(path, &resumed.state)?,
            ..resumed.state.fit
        };
        resumed.state.fit = fit.clone();
        let history = model.train(data, &fit, Some(resumed))?;
        Ok((model, history))
    }

    fn train(&mut self, data: &Dataset, fit: &Fit, resumed: Option<Resumed>) -> Result<History> {
        check(self, data, fit)?;
        if resumed.is_none() {
            // An earlier version may have begun the run.
            check_batches(self, data, fit)?;
        }
        self.set_trained_loss(fit.loss);
        // Inside the thread pool, so that steps need not wake it.
        let history = rayon::scope(|_| Run::new(self, data, fit, resumed)?.all_epochs())?;
        self.measure_dead_units(&data.train);
        Ok(history)
    }
}
