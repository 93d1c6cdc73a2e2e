//! Settings of training: `Fit { epochs: 20, ..Default::default() }`.

use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::optim::Optim;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How to train. Every setting has a default: `Fit { epochs: 20, ..Default::default() }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fit {
    /// How often every training picture is seen. Defaults to 10.
    pub epochs: usize,
    /// Pictures in a step; the last step of an epoch takes what is left. Defaults to 128.
    pub batch: usize,
    /// The optimizer's step size. Defaults to 0.001.
    pub learning_rate: f64,
    /// How steps follow from gradients: `Optim::Adam`, or `Optim::Sgd { momentum: 0.9 }`. Defaults to Adam.
    // Runs that were kept before there was a choice go on.
    #[serde(default)]
    pub optimizer: Optim,
    /// What is made small. Defaults to the mean squared error.
    pub loss: Loss,
    /// Share of the training pictures held out to watch the loss on, in [0, 1). Defaults to 0.1.
    pub validation: f64,
    /// Standard deviation of the normal noise added to the input, in pixel units of [0, 1]: the model learns to remove
    /// it (Vincent and others, "Extracting and composing robust features with denoising autoencoders", 2008). Defaults to
    /// 0, no noise.
    pub noise: f64,
    /// Weight decay as PyTorch's `AdamW` and `SGD` have it: with Adam, the share of each weight that is taken away, times the
    /// learning rate; with gradient descent, the share that is added to its gradient. Defaults to 0, none.
    pub weight_decay: f64,
    /// What the order of pictures, the held-out pictures, dropout and noise are drawn from. Defaults to 0.
    pub seed: u64,
    /// Whether steps run compiled on the CPU. Elsewhere, and where this is false, they run on candle's autograd; both give the
    /// same numbers but for rounding. Defaults to true.
    pub compiled: bool,
    /// Whether steps on a GPU compute in bf16, of about three decimal digits, with weights, normalizations, losses and the
    /// optimizer in f32 (Micikevicius and others, "Mixed precision training", 2018). The CPU computes in f32 whatever this
    /// says. Defaults to false.
    pub bf16: bool,
    /// A file in which the run is kept, so that [`Autoencoder::resume`](crate::Autoencoder::resume) can go on after Stop, an
    /// error or a crash, in the middle of an epoch too. It opens as a model by [`Autoencoder::load`](crate::Autoencoder::load).
    /// Defaults to none.
    pub checkpoint: Option<PathBuf>,
    /// How often the file is written, in minutes; besides, after each epoch and at Stop. Defaults to 10.
    pub checkpoint_every: f64,
}

impl Default for Fit {
    fn default() -> Self {
        Fit {
            epochs: 10,
            batch: 128,
            learning_rate: 1e-3,
            optimizer: Optim::Adam,
            loss: Loss::Mse,
            validation: 0.1,
            noise: 0.0,
            weight_decay: 0.0,
            seed: 0,
            compiled: true,
            bf16: false,
            checkpoint: None,
            checkpoint_every: 10.0,
        }
    }
}

impl Fit {
    /// Finds what cannot be trained with, before anything is changed.
    pub(crate) fn check(&self, pictures: usize) -> Result<()> {
        let no = |name: &str, expected: &str, got: String, hint: &str| {
            Err(Error::setting(format!("Fit::{name}"), expected, got, hint))
        };
        if self.epochs == 0 {
            return no(
                "epochs",
                "at least 1",
                "0".into(),
                "Choose how often every picture is seen",
            );
        }
        if !(0.0..1.0).contains(&self.validation) {
            let hint = "0.1 holds out a tenth; 0 trains on everything";
            return no(
                "validation",
                "a share in [0, 1)",
                self.validation.to_string(),
                hint,
            );
        }
        let train = pictures - self.held_out(pictures);
        if self.batch == 0 || self.batch > train {
            let expected = format!("1 to {train}, the pictures left for training");
            return no(
                "batch",
                &expected,
                self.batch.to_string(),
                "Choose a smaller batch or more data",
            );
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return no(
                "learning_rate",
                "a positive number",
                self.learning_rate.to_string(),
                "0.001 is a good start",
            );
        }
        if let Optim::Sgd { momentum } = self.optimizer
            && !(0.0..1.0).contains(&momentum)
        {
            let hint = "0.9 is usual; 0 follows the gradient alone";
            return no(
                "optimizer",
                "a momentum in [0, 1)",
                momentum.to_string(),
                hint,
            );
        }
        for (name, value) in [("noise", self.noise), ("weight_decay", self.weight_decay)] {
            if !(value >= 0.0 && value.is_finite()) {
                return no(name, "zero or more", value.to_string(), "0 turns it off");
            }
        }
        if self.checkpoint_every.is_nan() || self.checkpoint_every < 0.0 {
            let hint = "10 is a good start; 0 writes after each step";
            return no(
                "checkpoint_every",
                "zero or more minutes",
                self.checkpoint_every.to_string(),
                hint,
            );
        }
        // Found now, and not when the first hour is to be kept.
        let folder = self
            .checkpoint
            .as_deref()
            .and_then(Path::parent)
            .filter(|folder| *folder != Path::new(""));
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(Error::file(
                folder,
                "a folder for the checkpoint",
                "none",
                "Create it",
            ));
        }
        Ok(())
    }

    pub(crate) fn held_out(&self, pictures: usize) -> usize {
        ((pictures as f64 * self.validation) as usize).min(pictures.saturating_sub(1))
    }
}
