//! Settings of training.

use crate::error::{Error, Result};
use crate::file::check_folder;
use crate::loss::Loss;
use crate::optim::{Optim, Rates, Schedule};
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
    /// Weight decay as in PyTorch's `AdamW` and `SGD`. Adam subtracts the learning rate times the
    /// weight decay times each weight; others add the weight decay times each weight to its
    /// gradient. Defaults to 0.
    pub weight_decay: f64,
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
    /// Record the run in the run log, which [`runs`](crate::runs::runs()) shows. Defaults to true.
    /// The environment variable `CANDLEBOOK_RUNS=off` turns the log off for all runs.
    pub log: bool,
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
            seed: 0,
            planned: true,
            bf16: false,
            checkpoint: None,
            checkpoint_every: 10.0,
            log: true,
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
        self.check_checkpoint()
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

    fn check_checkpoint(&self) -> Result<()> {
        if self.checkpoint_every.is_nan() || self.checkpoint_every < 0.0 {
            let hint = "10 is a good start; 0 writes after each step";
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
