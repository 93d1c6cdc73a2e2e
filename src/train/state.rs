//! State of a training run in a checkpoint, besides the model.
//!
//! The executor's state is tensors (`executor_state`), `training.best.NAME` are the weights of the best
//! epoch, unless the model has them, and the rest is JSON in the file's metadata.

use super::epoch::Epoch;
use super::executor_state::{ExecutorState, Pending, Positions};
use super::fit::Fit;
use crate::data::{Fingerprint, Split};
use crate::error::{Error, Result};
use crate::export::{NamedTensor, SavedRun, read_run, write};
use crate::file::parse_json;
use crate::model::{Autoencoder, OptimizerState, Snapshot};
use candle_core::{Device, Tensor, Var};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Prefix of the tensors that hold the weights of the best epoch.
const BEST_PREFIX: &str = "training.best.";

/// Upper bound of the seconds in an intact checkpoint: 30,000 years.
const MAX_SECONDS: f64 = 1e12;

/// Progress of a training run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunState {
    pub(crate) fit: Fit,
    /// Number of training images.
    #[serde(rename = "pictures")]
    images: usize,
    /// Identity of the training images. Absent in the files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<Fingerprint>,
    /// Finished epochs.
    pub(crate) history: Vec<Epoch>,
    /// Epochs of earlier runs with the same optimizer, which this run continues.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) earlier_epochs: usize,
    /// Optimizer steps of these runs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) first_step: i32,
    /// Number of the epoch whose weights are the file's tensors `training.best.NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    best: Option<usize>,
    /// Finished batches of the current epoch.
    #[serde(rename = "batch")]
    pub(crate) batches: usize,
    /// Sum of the losses of the current epoch's images.
    #[serde(rename = "sum")]
    pub(crate) loss_sum: f64,
    /// Seconds spent in the current epoch.
    pub(crate) seconds: f64,
    steps: i32,
    /// The run minimizes a custom loss, which no file can hold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) custom_loss: bool,
    /// Sums of the terms that layers add to the losses of the current epoch's images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) term_sums: Vec<f64>,
    /// Position of the shuffle's random stream at the start of the current epoch.
    pub(crate) shuffle: u64,
    /// Position of the layers' random stream.
    #[serde(rename = "dropout")]
    pub(crate) rng: u64,
    /// Batches whose gradients wait for the next update.
    #[serde(default, skip_serializing_if = "Pending::is_none")]
    pending: Pending,
}

/// State of a run and of its executor, and its best epoch.
pub(crate) struct Resumed {
    pub(crate) state: RunState,
    /// `None` for a new optimizer.
    pub(crate) executor: Option<ExecutorState>,
    /// Number of the best epoch, from 1, and its weights.
    pub(crate) best: Option<(usize, Snapshot)>,
}

impl Resumed {
    /// A run with a new optimizer.
    pub(crate) fn anew(state: RunState) -> Self {
        Resumed {
            state,
            executor: None,
            best: None,
        }
    }
}

impl RunState {
    /// State before the first step on these training images.
    ///
    /// # Errors
    /// On Stop.
    pub(crate) fn new(fit: &Fit, train: &Split) -> Result<Self> {
        // Only a file needs it.
        let data = fit.checkpoint.as_ref().map(|_| train.fingerprint());
        Ok(RunState {
            data: data.transpose()?,
            ..RunState::blank(fit, train.len())
        })
    }

    fn blank(fit: &Fit, images: usize) -> Self {
        RunState {
            fit: fit.clone(),
            images,
            data: None,
            history: Vec::new(),
            earlier_epochs: 0,
            first_step: 0,
            best: None,
            batches: 0,
            loss_sum: 0.0,
            seconds: 0.0,
            steps: 0,
            custom_loss: false,
            term_sums: Vec::new(),
            shuffle: 0,
            rng: 0,
            pending: Pending::default(),
        }
    }

    /// Begins with the random streams and the step count of an earlier run's optimizer.
    pub(crate) fn continue_from(&mut self, optimizer: &OptimizerState) {
        (self.steps, self.first_step) = (optimizer.steps, optimizer.steps);
        self.earlier_epochs = optimizer.epochs;
        if self.fit.seed == optimizer.seed {
            (self.rng, self.shuffle) = (optimizer.rng, optimizer.shuffle);
        }
    }

    /// Moves on to the start of the next epoch.
    pub(crate) fn next_epoch(&mut self, shuffle: u64) {
        self.batches = 0;
        self.loss_sum = 0.0;
        self.term_sums.fill(0.0);
        self.seconds = 0.0;
        self.shuffle = shuffle;
    }

    /// Rejects other training images than the run's.
    pub(crate) fn check(&self, train: &Split) -> Result<()> {
        let hint = "Resume with the data that the run began with; to train on other data, call fit \
                    on the model of Autoencoder::load";
        if train.len() != self.images {
            let expected = format!("{} training images", self.images);
            return Err(Error::setting("resume", expected, train.len(), hint));
        }
        let Some(data) = &self.data else {
            return Ok(());
        };
        if !train.fingerprint()?.matches(data) {
            let expected = format!("the {} training images of the run", self.images);
            return Err(Error::setting("resume", expected, "other images", hint));
        }
        Ok(())
    }

    /// Writes model and state to a file, completely or not at all. `best` is the number of the best
    /// epoch, from 1, and its weights; `None` if there is none, or if the model has its weights.
    pub(crate) fn write(
        &mut self,
        path: &Path,
        model: &Autoencoder,
        executor: &ExecutorState,
        best: Option<&(usize, Snapshot)>,
    ) -> Result<()> {
        self.best = best.map(|(epoch, _)| *epoch);
        (self.rng, self.steps) = (executor.positions.rng, executor.positions.steps);
        self.pending = executor.pending;
        let json =
            serde_json::to_string(self).map_err(|error| Error::io("write", path)(error.into()))?;
        let mut tensors = executor.tensors(model, self.fit.optimizer);
        if let Some((_, weights)) = best {
            tensors.extend(best_tensors(model, weights)?);
        }
        write(path, model, Some(SavedRun { json, tensors }))
    }

    /// Reads the state that [`RunState::write`] wrote.
    pub(crate) fn read(path: &Path, model: &Autoencoder) -> Result<Resumed> {
        let SavedRun { json, tensors } =
            read_run(path)?.ok_or_else(|| not_a_run(path, "a model without one"))?;
        check_noise(path, &json)?;
        let state: RunState = parse_json(&json).map_err(|reason| not_a_run(path, &reason))?;
        if !state.is_plausible() {
            return Err(not_a_run(path, "numbers that no run has"));
        }
        let best = state.read_best(path, model, &tensors)?;
        let executor = ExecutorState::read(tensors, model, state.fit.optimizer);
        let executor = ExecutorState {
            positions: Positions {
                rng: state.rng,
                steps: state.steps,
            },
            pending: state.pending,
            ..executor.map_err(|reason| not_a_run(path, &reason))?
        };
        Ok(Resumed {
            state,
            executor: Some(executor),
            best,
        })
    }

    /// The best epoch and its weights, from a file's tensors or from the model.
    fn read_best(
        &self,
        path: &Path,
        model: &Autoencoder,
        tensors: &[NamedTensor],
    ) -> Result<Option<(usize, Snapshot)>> {
        let all = [model.variables(), model.buffers()].concat();
        if let Some(epoch) = self.best {
            let read = |(name, var): &(String, Var)| best_tensor(path, name, var, tensors);
            let weights = all.iter().map(read).collect::<Result<_>>()?;
            return Ok(Some((epoch, Snapshot::from_tensors(weights))));
        }
        if self.batches > 0 || self.history.is_empty() {
            return Ok(None);
        }
        let weights = Snapshot::of(all.iter().map(|(_, var)| var))?;
        Ok(Some((self.history.len(), weights)))
    }

    /// False for numbers that only a damaged file has.
    fn is_plausible(&self) -> bool {
        let batches = self.images.div_ceil(self.fit.batch_size.max(1));
        (0.0..MAX_SECONDS).contains(&self.seconds)
            && self.loss_sum.is_finite()
            && self.batches <= batches
            && self.pending.batches <= self.batches
            && self.pending.images <= self.images
            && (0..i32::MAX / 2).contains(&self.steps)
            && (0..=self.steps).contains(&self.first_step)
            && self.earlier_epochs < usize::MAX / 2
            && self.history.len() <= self.fit.epochs
            && self
                .best
                .is_none_or(|best| (1..=self.history.len()).contains(&best))
    }
}

/// Weights of a variable at the end of the best epoch.
pub(super) fn best_tensor(
    path: &Path,
    name: &str,
    var: &Var,
    tensors: &[NamedTensor],
) -> Result<Tensor> {
    let (name, n) = (format!("{BEST_PREFIX}{name}"), var.elem_count());
    let found = tensors.iter().find(|tensor| tensor.name == name);
    match found.filter(|tensor| tensor.values.len() == n) {
        Some(tensor) => Ok(Tensor::from_slice(
            &tensor.values,
            var.shape(),
            var.device(),
        )?),
        None => Err(not_a_run(path, &format!("no {name} of {n} values"))),
    }
}

/// Tensors of the best epoch's weights in a file.
pub(super) fn best_tensors(model: &Autoencoder, weights: &Snapshot) -> Result<Vec<NamedTensor>> {
    let named = [model.variables(), model.buffers()].concat().into_iter();
    let tensors = named.zip(weights.tensors()).map(|((name, _), tensor)| {
        let values = tensor.to_device(&Device::Cpu)?.flatten_all()?;
        Ok(NamedTensor {
            name: format!("{BEST_PREFIX}{name}"),
            shape: tensor.dims().to_vec(),
            values: values.to_vec1()?,
        })
    });
    tensors.collect()
}

fn is_zero<T: Default + PartialEq>(n: &T) -> bool {
    *n == T::default()
}

/// Rejects a run with the setting `noise` of earlier versions, whose random numbers are not drawn
/// any more.
fn check_noise(path: &Path, json: &str) -> Result<()> {
    #[derive(Deserialize)]
    struct Earlier {
        fit: EarlierFit,
    }
    #[derive(Deserialize)]
    struct EarlierFit {
        #[serde(default)]
        noise: f64,
    }
    match parse_json(json) {
        Ok(Earlier { fit }) if fit.noise != 0.0 => {
            let hint = format!(
                "Begin a new run, with GaussianNoise({}) first in the encoder; \
                 Autoencoder::load opens the model",
                fit.noise
            );
            let got = "one of an earlier version, with Fit::noise";
            Err(Error::file(path, "a training run", got, &hint))
        }
        _ => Ok(()), // Other faults have their own errors.
    }
}

fn not_a_run(path: &Path, got: &str) -> Error {
    let hint = "Pass the file that Fit { checkpoint, .. } named; open a model with \
                Autoencoder::load";
    Error::file(path, "a training run", got, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_checkpoint_are_read_to_the_last_bit() {
        for i in 1..1000 {
            let state = RunState {
                loss_sum: f64::from(i).sqrt(),
                seconds: f64::from(i).cbrt(),
                ..RunState::blank(&Fit::default(), 1)
            };
            let json = serde_json::to_string(&state).unwrap();
            let read: RunState = parse_json(&json).unwrap();
            assert_eq!(read.loss_sum, state.loss_sum, "{json}");
            assert_eq!(read.seconds, state.seconds, "{json}");
        }
    }
}
