//! Weights of the best epoch of a run.

use super::epoch::Epoch;
use super::history::best_epoch;
use super::monitor::Monitor;
use crate::error::{Error, Result};
use crate::model::{Autoencoder, Snapshot};
use std::path::{Path, PathBuf};

/// Weights of the best epoch so far.
pub(super) struct Best {
    monitor: Monitor,
    /// Number of the epoch, from 1, and its weights.
    kept: Option<(usize, Snapshot)>,
}

impl Best {
    /// Continues with the best epoch of an interrupted run, if there is one.
    pub(super) fn new(monitor: Monitor, kept: Option<(usize, Snapshot)>) -> Self {
        Best { monitor, kept }
    }

    /// Keeps the weights of the last epoch if it is the best. Returns true if it is.
    pub(super) fn update(&mut self, epochs: &[Epoch], weights: &Snapshot) -> bool {
        let best = best_epoch(epochs, &self.monitor);
        let is_best = best.is_some() && best == Some(epochs.len());
        if is_best {
            self.kept = Some((epochs.len(), weights.clone()));
        }
        is_best
    }

    /// Number and weights of the best epoch. `None` before the end of the first epoch, and if a file
    /// of an earlier version did not keep them.
    pub(super) fn get(&self, epochs: &[Epoch]) -> Option<&(usize, Snapshot)> {
        let best = best_epoch(epochs, &self.monitor);
        self.kept.as_ref().filter(|(epoch, _)| Some(*epoch) == best)
    }
}

/// File of the best epoch's model beside a checkpoint: `run.best.safetensors` for
/// `run.safetensors`.
pub(super) fn best_path(checkpoint: &Path) -> PathBuf {
    let mut name = checkpoint.file_stem().unwrap_or_default().to_owned();
    name.push(".best");
    if let Some(extension) = checkpoint.extension() {
        name.push(".");
        name.push(extension);
    }
    checkpoint.with_file_name(name)
}

impl Autoencoder {
    /// Gives the model the weights of the best epoch of the last training run, and returns the
    /// epoch's number, counted from 1. Without it, the model has the weights of the last epoch, or of
    /// the moment of Stop.
    ///
    /// [`History::best`](crate::train::History::best) says which epoch is the best. The weights are
    /// kept in memory, also after an error; a later `fit` replaces them. They differ from those that
    /// the optimizer knows, so that the next `fit` begins with a new optimizer. Keras:
    /// `ModelCheckpoint(save_best_only=True)` and `load_weights`.
    ///
    /// # Errors
    /// The model was not trained for a whole epoch since it was built or loaded.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 10);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let history = ae.fit(&data, &Fit { epochs: 3, ..Default::default() })?;
    /// let epoch = ae.restore_best()?;
    /// assert_eq!(Some(epoch), history.best().map(|(epoch, _)| epoch));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn restore_best(&mut self) -> Result<usize> {
        let Some((epoch, weights)) = self.last_run().best.clone() else {
            let expected = "a model that fit has trained for an epoch";
            let got = "one without a best epoch";
            let hint = "Train it first; a checkpoint's best model is the file run.best.safetensors";
            return Err(Error::setting("restore_best", expected, got, hint));
        };
        let all = [self.variables(), self.buffers()].concat();
        weights.restore(all.iter().map(|(_, var)| var))?;
        Ok(epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn epoch(valid_loss: f32) -> Epoch {
        Epoch {
            valid_loss: Some(valid_loss),
            ..Default::default()
        }
    }

    #[test]
    fn it_keeps_the_weights_of_the_first_of_equal_epochs() {
        let var = Var::new(&[1f32], &Device::Cpu).unwrap();
        let weights = Snapshot::of([&var]).unwrap();
        let mut best = Best::new(Monitor::ValidLoss, None);
        let mut epochs = Vec::new();
        let mut kept = Vec::new();
        for loss in [0.5, 0.25, 0.25, 0.75] {
            epochs.push(epoch(loss));
            kept.push(best.update(&epochs, &weights));
        }
        assert_eq!(kept, [true, true, false, false]);
        assert_eq!(best.get(&epochs).map(|(epoch, _)| *epoch), Some(2));
        // An epoch that was the best, and whose weights are unknown.
        assert!(best.get(&[epoch(0.125), epoch(0.25)]).is_none());
    }

    #[test]
    fn the_best_model_is_beside_the_checkpoint() {
        for (checkpoint, best) in [
            ("runs/run.safetensors", "runs/run.best.safetensors"),
            ("run", "run.best"),
        ] {
            assert_eq!(best_path(Path::new(checkpoint)), Path::new(best));
        }
    }
}
