//! Where a run of training is: what a checkpoint keeps besides the model, so that the run can go on.
//!
//! In the file, the optimizer's moments are tensors named `training.mean.NAME` and `training.square.NAME`, those of them that
//! it keeps; the rest is JSON in the metadata.

use crate::error::{Error, Result};
use crate::export::{Extra, read_extra, write};
use crate::model::Autoencoder;
use crate::optim::Moments;
use crate::train::fit::Fit;
use crate::train::history::Epoch;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What tells a run's tensors from the model's.
const MOMENTS: [&str; 2] = ["training.mean.", "training.square."];

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) fit: Fit,
    /// How many training pictures there were.
    pictures: usize,
    /// The epochs that are done.
    pub(crate) history: Vec<Epoch>,
    /// Of the epoch that is not: batches that are done, the sum of their pictures' losses, seconds.
    pub(crate) batch: usize,
    pub(crate) sum: f64,
    pub(crate) seconds: f64,
    /// How many steps the optimizer has made.
    pub(crate) steps: i32,
    /// Draws made: by the shuffles of the epochs that are done, by dropout, by noise.
    pub(crate) shuffle: u64,
    pub(crate) dropout: u64,
    pub(crate) noise: u64,
}

impl State {
    /// The begin of a run.
    pub(crate) fn new(fit: &Fit, pictures: usize) -> Self {
        State {
            fit: fit.clone(),
            pictures,
            history: Vec::new(),
            batch: 0,
            sum: 0.0,
            seconds: 0.0,
            steps: 0,
            shuffle: 0,
            dropout: 0,
            noise: 0,
        }
    }

    /// The begin of the next epoch.
    pub(crate) fn next_epoch(&mut self, shuffle: u64) {
        (self.batch, self.sum, self.seconds, self.shuffle) = (0, 0.0, 0.0, shuffle);
    }

    /// Refuses a data set of another size than the run began with.
    pub(crate) fn check(&self, pictures: usize) -> Result<()> {
        if pictures == self.pictures {
            return Ok(());
        }
        let hint = "Resume with the data that the run began with";
        Err(Error::setting(
            "resume",
            format!("{} training pictures", self.pictures),
            pictures,
            hint,
        ))
    }

    /// Writes model and run, whole or not at all.
    pub(crate) fn write(
        &self,
        path: &Path,
        model: &Autoencoder,
        moments: Vec<Moments>,
    ) -> Result<()> {
        let json =
            serde_json::to_string(self).map_err(|error| Error::io("write", path)(error.into()))?;
        let mut tensors = Vec::new();
        for ((name, var), moments) in model.variables().iter().zip(moments) {
            let kept = MOMENTS.iter().zip(moments).take(self.fit.optimizer.kept());
            tensors.extend(
                kept.map(|(moment, values)| {
                    (format!("{moment}{name}"), var.dims().to_vec(), values)
                }),
            );
        }
        write(path, model, Some(Extra { json, tensors }))
    }

    /// Reads what [`State::write`] wrote.
    pub(crate) fn read(path: &Path, model: &Autoencoder) -> Result<(State, Vec<Moments>)> {
        let no = |got: &str| {
            let hint = "Give the file that Fit { checkpoint, .. } named; a model alone opens with Autoencoder::load";
            Error::file(path, "a run of training", got, hint)
        };
        let Extra { json, tensors } = read_extra(path)?.ok_or_else(|| no("a model alone"))?;
        let state: State = serde_json::from_str(&json).map_err(|error| no(&error.to_string()))?;
        let batches = state.pictures.div_ceil(state.fit.batch.max(1));
        let sound =
            (0.0..1e12).contains(&state.seconds) && state.sum.is_finite() && state.batch <= batches;
        if !sound
            || !(0..i32::MAX / 2).contains(&state.steps)
            || state.history.len() > state.fit.epochs
        {
            return Err(no("numbers that no run has"));
        }
        let mut tensors: std::collections::BTreeMap<_, _> = tensors
            .into_iter()
            .map(|(name, _, values)| (name, values))
            .collect();
        let mut take = |name: String, n: usize| {
            tensors
                .remove(&name)
                .filter(|values| values.len() == n)
                .ok_or_else(|| no(&format!("no {name} of {n} values")))
        };
        let moments = model.variables().into_iter().map(|(name, var)| {
            let mut moments = Moments::default();
            for (moment, values) in MOMENTS
                .iter()
                .zip(&mut moments)
                .take(state.fit.optimizer.kept())
            {
                *values = take(format!("{moment}{name}"), var.elem_count())?;
            }
            Ok(moments)
        });
        let moments = moments.collect::<Result<_>>()?;
        Ok((state, moments))
    }
}
