//! State that a training run leaves with its model, in memory: the best epoch, and the optimizer.

use crate::loss::Loss;
use crate::model::snapshot::Snapshot;
use crate::optim::{Moments, Optim};
use std::sync::Arc;

/// State that the last training run left with the model.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastRun {
    /// Number of the best epoch, from 1, and its weights.
    pub(crate) best: Option<(usize, Snapshot)>,
    /// `None` after an error of the run, and for a model that was not trained.
    pub(crate) optimizer: Option<Arc<OptimizerState>>,
}

/// Optimizer and random streams at the end of a training run.
#[derive(Debug)]
pub(crate) struct OptimizerState {
    pub(crate) optim: Optim,
    pub(crate) loss: Loss,
    pub(crate) custom_loss: bool,
    /// The model has an average of the weights that these moments belong to.
    pub(crate) averaged: bool,
    /// Moments of each variable.
    pub(crate) moments: Vec<Moments>,
    /// Optimizer steps.
    pub(crate) steps: i32,
    /// Finished epochs of all runs with this optimizer.
    pub(crate) epochs: usize,
    /// Seed of the random streams.
    pub(crate) seed: u64,
    /// Position of the layers' random stream.
    pub(crate) rng: u64,
    /// Position of the shuffle's random stream.
    pub(crate) shuffle: u64,
    /// Hash of the weights, by which changed ones are recognized.
    pub(crate) weights: String,
}
