//! The outcome of a job, which rank 0 writes to a file.

use crate::error::{Error, Result};
use crate::export::{NamedTensor, SavedRun, read_run, write};
use crate::file::parse_json;
use crate::model::{Autoencoder, LastRun, OptimizerState, Snapshot};
use crate::train::ended::Ended;
use crate::train::epoch::Epoch;
use crate::train::executor_state::ExecutorState;
use crate::train::fit::Fit;
use crate::train::history::History;
use crate::train::state::{best_tensor, best_tensors};
use candle_core::Var;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// Everything that a run leaves but tensors.
#[derive(Serialize, Deserialize)]
struct Outcome {
    epochs: Vec<Epoch>,
    ended: Ended,
    restored: Option<usize>,
    /// Number of the best epoch.
    best: Option<usize>,
    optimizer: Option<Optimizer>,
}

/// Numbers of an [`OptimizerState`].
#[derive(Serialize, Deserialize)]
struct Optimizer {
    averaged: bool,
    steps: i32,
    epochs: usize,
    rng: u64,
    shuffle: u64,
    weights: String,
}

/// Writes the model, the history and what the next `fit` goes on with.
///
/// # Errors
/// A file that cannot be written.
pub(super) fn write_outcome(
    path: &Path,
    model: &Autoencoder,
    history: &History,
    last: &LastRun,
) -> Result<()> {
    let optimizer = last.optimizer.as_deref();
    let outcome = Outcome {
        epochs: history.epochs.clone(),
        ended: history.ended,
        restored: history.restored,
        best: last.best.as_ref().map(|(epoch, _)| *epoch),
        optimizer: optimizer.map(|state| Optimizer {
            averaged: state.averaged,
            steps: state.steps,
            epochs: state.epochs,
            rng: state.rng,
            shuffle: state.shuffle,
            weights: state.weights.clone(),
        }),
    };
    let mut tensors = Vec::new();
    if let Some(state) = optimizer {
        let moments = state.moments.clone();
        let executor = ExecutorState {
            moments,
            ..Default::default()
        };
        tensors.extend(executor.tensors(model, state.optim));
    }
    if let Some((_, weights)) = &last.best {
        tensors.extend(best_tensors(model, weights)?);
    }
    let json =
        serde_json::to_string(&outcome).map_err(|error| Error::io("write", path)(error.into()))?;
    write(path, model, Some(SavedRun { json, tensors }))
}

/// Reads the outcome: sets the model's weights, and returns the history of the run and what it leaves.
///
/// # Errors
/// A file that cannot be read, or that no rank wrote.
pub(super) fn read_outcome(
    path: &Path,
    model: &Autoencoder,
    fit: &Fit,
) -> Result<(History, LastRun)> {
    let not_one = |got: &str| {
        let hint = "Use the same version of Candlebook on all hosts";
        Error::file(path, "the outcome of a job", got, hint)
    };
    let SavedRun { json, tensors } = read_run(path)?.ok_or_else(|| not_one("a model"))?;
    let outcome: Outcome = parse_json(&json).map_err(|reason| not_one(&reason))?;
    set_weights(model, &Autoencoder::load(path)?)?;
    let best = best(path, model, &tensors, outcome.best)?;
    let optimizer = outcome.optimizer.map(|state| {
        let executor = ExecutorState::read(tensors, model, fit.optimizer);
        Ok::<_, Error>(Arc::new(OptimizerState {
            optim: fit.optimizer,
            loss: fit.loss,
            custom_loss: false,
            averaged: state.averaged,
            moments: executor.map_err(|reason| not_one(&reason))?.moments,
            steps: state.steps,
            epochs: state.epochs,
            seed: fit.seed,
            rng: state.rng,
            shuffle: state.shuffle,
            weights: state.weights,
        }))
    });
    let history = History {
        epochs: outcome.epochs,
        loss: fit.loss,
        monitor: fit.monitor(),
        fit: fit.clone(),
        ended: outcome.ended,
        stopped: outcome.ended == Ended::Stopped,
        restored: outcome.restored,
        ..Default::default()
    };
    let optimizer = optimizer.transpose()?;
    Ok((history, LastRun { best, optimizer }))
}

/// The best epoch and its weights.
fn best(
    path: &Path,
    model: &Autoencoder,
    tensors: &[NamedTensor],
    epoch: Option<usize>,
) -> Result<Option<(usize, Snapshot)>> {
    let Some(epoch) = epoch else { return Ok(None) };
    let all = [model.variables(), model.buffers()].concat();
    let read = |(name, var): &(String, Var)| best_tensor(path, name, var, tensors);
    let weights = all.iter().map(read).collect::<Result<_>>()?;
    Ok(Some((epoch, Snapshot::from_tensors(weights))))
}

/// Copies weights and buffers from one model to another of the same layers.
pub(super) fn set_weights(to: &Autoencoder, from: &Autoencoder) -> Result<()> {
    let list = |model: &Autoencoder| -> Vec<Var> {
        let all = [model.variables(), model.buffers()].concat();
        all.into_iter().map(|(_, var)| var).collect()
    };
    Snapshot::of(&list(from))?.restore(&list(to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::mnist_embedded;
    use crate::layer::Layer::{BatchNorm, Flatten, Linear};

    fn weights(model: &Autoencoder) -> String {
        let all = [model.variables(), model.buffers()].concat();
        Snapshot::of(all.iter().map(|(_, var)| var))
            .unwrap()
            .hash()
            .unwrap()
    }

    #[test]
    fn an_outcome_is_read_back_and_the_next_fit_goes_on() {
        let data = mnist_embedded().unwrap().take(200, 10);
        let layers = [Flatten, Linear(4), BatchNorm];
        let mut model = Autoencoder::symmetric(data.image_shape(), &layers).unwrap();
        let fit = Fit {
            epochs: 2,
            ..Default::default()
        };
        let history = model.fit(&data, &fit).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outcome.safetensors");
        write_outcome(&path, &model, &history, model.last_run()).unwrap();
        let mut copy = Autoencoder::symmetric(data.image_shape(), &layers).unwrap();
        let (read, last) = read_outcome(&path, &copy, &fit).unwrap();
        assert_eq!((read.epochs, read.ended), (history.epochs, history.ended));
        assert_eq!(weights(&copy), weights(&model));
        assert_eq!(last.best.as_ref().map(|(epoch, _)| *epoch), Some(2));
        copy.set_last_run(last);
        // The optimizer goes on with the same moments and random numbers.
        model.fit(&data, &fit).unwrap();
        copy.fit(&data, &fit).unwrap();
        assert_eq!(weights(&copy), weights(&model));
    }

    #[test]
    fn another_file_is_an_error() {
        let model = Autoencoder::symmetric((1, 2, 2), &[Flatten, Linear(4)]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        model.save(&path).unwrap();
        let error = read_outcome(&path, &model, &Fit::default())
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("expected the outcome of a job, got a model."),
            "{error}"
        );
    }
}
