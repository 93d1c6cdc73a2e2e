//! The interface of the two implementations of a training step.

use super::custom_loss::CustomLoss;
use crate::data::Batch;
use crate::error::Result;
use crate::loss::Loss;
use crate::math::Rng;
use crate::model::Autoencoder;
use crate::optim::{Moments, Optim, Rates};
use candle_core::Var;

/// Settings of an executor's steps, and the random stream that they draw from.
pub(crate) struct StepSettings<'a> {
    pub(crate) batch_size: usize,
    pub(crate) loss: Loss,
    /// In place of `loss`.
    pub(crate) custom_loss: Option<CustomLoss<'a>>,
    pub(crate) optim: Optim,
    pub(crate) rates: Rates,
    /// Random numbers of the layers.
    pub(crate) rng: Rng,
    /// Compute in bf16, except on the CPU.
    pub(crate) bf16: bool,
    /// Use the planned step if the model allows it.
    pub(crate) planned: bool,
}

/// Position of the layers' random stream, and the number of optimizer steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Positions {
    pub(crate) rng: u64,
    pub(crate) steps: i32,
}

/// Implementation of a training step.
pub(crate) trait Executor {
    /// Trains on a batch; returns the loss before the update, with the terms that layers add to it,
    /// and writes each of these to `terms`. A loss that is not finite changes no weight.
    fn step(&mut self, batch: &Batch, terms: &mut [f64]) -> Result<f32>;

    /// Changes the learning rate of the following steps.
    fn set_learning_rate(&mut self, learning_rate: f64);

    /// Current positions, for a checkpoint.
    fn positions(&self) -> Positions;

    /// Optimizer moments of these variables, which are the model's.
    fn moments(&self, variables: &[Var]) -> Result<Vec<Moments>>;

    /// Continues from the moments and the step count of a checkpoint.
    fn restore(&mut self, moments: &[Moments], steps: i32) -> Result<()>;

    /// Copies weights and running statistics into the model, if the executor keeps its own.
    fn store(&self, model: &Autoencoder) -> Result<()>;
}
