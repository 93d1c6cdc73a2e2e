//! Settings of training.

use super::early_stopping::EarlyStopping;
use super::metric::Metric;
use super::monitor::Monitor;
use crate::data::{Augmentation, ImageShape};
use crate::dist::Team;
use crate::error::{Error, Result};
use crate::file::check_folder;
use crate::loss::Loss;
use crate::optim::{Average, Gradients, Optim, ParameterGroup, Rates, RunLength, Schedule};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Settings of [`Autoencoder::fit`](crate::model::Autoencoder::fit). Every setting has a default.
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// let fit = Fit { epochs: 20, batch_size: 64, ..Default::default() };
/// assert_eq!(fit.learning_rate, 0.001);
/// ```
// The renamed fields keep the names that they have in the checkpoints of earlier versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fit {
    /// Passes over the training images. Defaults to 10.
    pub epochs: usize,
    /// Images per step. The last step of an epoch takes the remaining ones. Defaults to 128.
    #[serde(rename = "batch")]
    pub batch_size: usize,
    /// Step size of the optimizer. Defaults to 0.001.
    pub learning_rate: f64,
    /// How the learning rate changes during training. Defaults to a constant rate.
    pub schedule: Schedule,
    /// Optimizer with its settings: `Optim::adam()`, `Optim::sgd(0.9)` or another
    /// [`Optim`]. Defaults to Adam.
    pub optimizer: Optim,
    /// Loss to minimize. Defaults to the mean squared error.
    pub loss: Loss,
    /// Share of the training images held out for validation, in [0, 1). Defaults to 0.1.
    #[serde(rename = "validation")]
    pub validation_split: f64,
    /// Weight decay as in PyTorch's `AdamW` and `SGD`. Adam and Lion subtract the learning rate times
    /// the weight decay times each weight; others add the weight decay times each weight to its
    /// gradient. Defaults to 0.
    pub weight_decay: f64,
    /// Rates of their own for variables whose names match a pattern. Defaults to none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<ParameterGroup>,
    /// Clipping, accumulation and noise of the gradients. Defaults to none of them.
    pub gradients: Gradients,
    /// Average of the weights that the model holds in the end. Defaults to none: the weights of the
    /// last step.
    pub average: Average,
    /// Seed of the validation split, the shuffles and the random layers, such as dropout. Defaults to 0.
    pub seed: u64,
    /// Run the planned CPU step. Without it, and on other devices, steps run on candle's autograd.
    /// Both give the same numbers up to rounding. Defaults to true.
    #[serde(rename = "compiled")]
    pub planned: bool,
    /// Compute steps on a GPU in bf16, with weights, normalizations, losses and the optimizer in
    /// f32 (Micikevicius et al., "Mixed precision training", 2018). The CPU always computes in f32.
    /// Defaults to false.
    pub bf16: bool,
    /// Checkpoint file. [`Autoencoder::resume`](crate::model::Autoencoder::resume) continues from
    /// it after Stop, an error or a crash, even within an epoch.
    /// [`Autoencoder::load`](crate::model::Autoencoder::load) opens it as a model.
    /// Defaults to none.
    pub checkpoint: Option<PathBuf>,
    /// Minutes between checkpoints. They are also written after each epoch and at Stop. Defaults to
    /// 10.
    pub checkpoint_every: f64,
    /// End training when a value no longer improves, and restore the best epoch. Defaults to none:
    /// all epochs are trained, the model has the weights of the last one, and
    /// [`Autoencoder::restore_best`](crate::model::Autoencoder::restore_best) gives it those of the
    /// best.
    pub early_stopping: Option<EarlyStopping>,
    /// Minutes after which training ends, also within an epoch. A resumed run counts anew. Defaults to
    /// none. Lightning: `Timer`.
    pub time_limit: Option<f64>,
    /// Validation loss (training loss without validation images) at which training ends: after the
    /// first epoch that has it or a lower one. Defaults to none.
    pub target_loss: Option<f64>,
    /// Measures of the model at the end of each epoch, in [`History`](crate::train::History) beside
    /// the loss. Your own functions: [`Event::metric`](crate::train::Event::metric). Defaults to
    /// none.
    pub metrics: Vec<Metric>,
    /// Random changes of the training images, in this order, drawn anew in each epoch from the seed.
    /// Validation images do not change. Defaults to none.
    pub augment: Vec<Augmentation>,
    /// Record the run in the run log, which [`runs`](crate::runs::runs()) shows. Defaults to true.
    /// The environment variable `CANDLEBOOK_RUNS=off` turns the log off for all runs.
    pub log: bool,
    /// Processes that train together. Defaults to none, or to that of `candlebook run --team`.
    #[serde(skip)]
    pub team: Option<Team>,
    /// Names for the run in the run log, such as "baseline". Defaults to none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

impl Default for Fit {
    fn default() -> Self {
        let Rates {
            learning_rate,
            weight_decay,
        } = Rates::default();
        Fit {
            epochs: 10,
            batch_size: 128,
            learning_rate,
            schedule: Schedule::default(),
            optimizer: Optim::default(),
            loss: Loss::default(),
            validation_split: 0.1,
            weight_decay,
            groups: Vec::new(),
            gradients: Gradients::default(),
            average: Average::None,
            seed: 0,
            planned: true,
            bf16: false,
            checkpoint: None,
            checkpoint_every: 10.0,
            early_stopping: None,
            time_limit: None,
            target_loss: None,
            metrics: Vec::new(),
            augment: Vec::new(),
            log: true,
            team: None,
            tags: Vec::new(),
        }
    }
}

impl Fit {
    /// Rejects settings that cannot train on this number of images, before anything is changed.
    pub(crate) fn check(&self, images: usize) -> Result<()> {
        self.check_sizes(images)?;
        self.check_numbers()?;
        self.optimizer.check()?;
        self.schedule.check()?;
        self.gradients.check()?;
        self.average.check(self.epochs)?;
        self.groups.iter().try_for_each(ParameterGroup::check)?;
        self.check_stopping()?;
        self.check_checkpoint()
    }

    /// Length of a run on a split of this many images, from which the validation images are taken.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let fit = Fit { epochs: 5, batch_size: 100, validation_split: 0.1, ..Default::default() };
    /// assert_eq!(fit.run_length(1000).steps(), 45);
    /// ```
    pub fn run_length(&self, images: usize) -> RunLength {
        self.length_of(images - self.validation_count(images))
    }

    /// Length of a run on this many training images.
    pub(crate) fn length_of(&self, train_images: usize) -> RunLength {
        let batches = train_images.div_ceil(self.batch_size.max(1));
        RunLength {
            steps_per_epoch: batches.div_ceil(self.gradients.accumulate.max(1)),
            epochs: self.epochs,
        }
    }

    /// Rejects metrics and augmentations that do not fit images of this shape, and the monitor of a
    /// metric that nothing computes. `callback` is true if one may add metrics.
    pub(super) fn check_images(&self, shape: ImageShape, callback: bool) -> Result<()> {
        let mut metrics = self.metrics.iter();
        metrics.try_for_each(|metric| metric.check(shape))?;
        let mut augment = self.augment.iter();
        augment.try_for_each(|augmentation| augmentation.check(shape))?;
        let early = self.early_stopping.as_ref();
        early.map_or(Ok(()), |early| early.check(&self.metrics, callback))
    }

    /// Value by which the best epoch is chosen.
    pub(crate) fn monitor(&self) -> Monitor {
        let early = self.early_stopping.as_ref();
        early.map_or_else(Monitor::default, |early| early.monitor.clone())
    }

    /// Learning rate and weight decay of the optimizer.
    pub(crate) fn rates(&self) -> Rates {
        Rates {
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
        }
    }

    /// Number of validation images among this number of images. At least one is left for training.
    pub(crate) fn validation_count(&self, images: usize) -> usize {
        ((images as f64 * self.validation_split) as usize).min(images.saturating_sub(1))
    }

    fn check_sizes(&self, images: usize) -> Result<()> {
        if self.epochs == 0 {
            let hint = "Choose how often training passes over the images";
            return Err(Error::setting("Fit::epochs", "at least 1", 0, hint));
        }
        if !(0.0..1.0).contains(&self.validation_split) {
            let hint = "0.1 holds out a tenth; 0 trains on all images";
            return Err(Error::setting(
                "Fit::validation_split",
                "a share in [0, 1)",
                self.validation_split,
                hint,
            ));
        }
        let train = images - self.validation_count(images);
        if !(1..=train).contains(&self.batch_size) {
            let expected = format!("1 to {train}, the number of training images");
            let hint = "Choose a smaller batch size or more data";
            return Err(Error::setting(
                "Fit::batch_size",
                expected,
                self.batch_size,
                hint,
            ));
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<()> {
        self.rates().check("Fit")
    }

    fn check_stopping(&self) -> Result<()> {
        if let Some(minutes) = self
            .time_limit
            .filter(|&limit| limit.is_nan() || limit <= 0.0)
        {
            let hint = "60.0 is an hour; None sets no limit";
            let expected = "a positive number of minutes";
            return Err(Error::setting("Fit::time_limit", expected, minutes, hint));
        }
        if let Some(loss) = self.target_loss.filter(|loss| !loss.is_finite()) {
            let hint = "None trains all epochs";
            return Err(Error::setting(
                "Fit::target_loss",
                "a finite loss",
                loss,
                hint,
            ));
        }
        Ok(())
    }

    fn check_checkpoint(&self) -> Result<()> {
        if !(0.0..f64::INFINITY).contains(&self.checkpoint_every) {
            let hint = "10 is a good start; 0 writes after each step, 1e9 only after epochs";
            return Err(Error::setting(
                "Fit::checkpoint_every",
                "zero or more minutes",
                self.checkpoint_every,
                hint,
            ));
        }
        // Fail before training rather than at the first checkpoint.
        self.checkpoint.as_deref().map_or(Ok(()), check_folder)
    }
}
