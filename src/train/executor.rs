//! The interface of the two implementations of a training step.

use super::custom_loss::CustomLoss;
use super::executor_state::{ExecutorState, Pending};
use crate::data::Batch;
use crate::dist::World;
use crate::error::Result;
use crate::loss::Loss;
use crate::math::Rng;
use crate::model::Autoencoder;
use crate::optim::{Average, Gradients, Grouping, Optim};
use candle_core::Tensor;

/// Settings of an executor's steps, and the random stream that they draw from.
pub(crate) struct StepSettings<'a> {
    pub(crate) batch_size: usize,
    pub(crate) loss: Loss,
    /// In place of `loss`.
    pub(crate) custom_loss: Option<CustomLoss<'a>>,
    pub(crate) optim: Optim,
    pub(crate) learning_rate: f64,
    /// Groups of the model's variables.
    pub(crate) grouping: Grouping,
    pub(crate) gradients: Gradients,
    pub(crate) averaging: Averaging,
    /// Seed of the gradients' noise.
    pub(crate) seed: u64,
    /// Random numbers of the layers.
    pub(crate) rng: Rng,
    /// Compute in bf16, except on the CPU.
    pub(crate) bf16: bool,
    /// Use the planned step if the model allows it.
    pub(crate) planned: bool,
    /// Ranks that share each batch.
    pub(crate) world: World,
}

/// Average of the weights, and the steps of an epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Averaging {
    pub(crate) average: Average,
    pub(crate) steps_per_epoch: usize,
    /// Optimizer steps before this run: an average is that of one run.
    pub(crate) first_step: i32,
}

impl Averaging {
    /// True if there is an average at some step.
    pub(crate) fn is_on(&self) -> bool {
        self.average != Average::None
    }

    /// Share of the weights after this number of steps in the average; none if they do not enter it.
    pub(crate) fn share(&self, steps: i32) -> Option<f64> {
        self.average.share(self.of_run(steps), self.steps_per_epoch)
    }

    /// True if weights have entered the average after this number of steps.
    pub(crate) fn has_begun(&self, steps: i32) -> bool {
        self.average
            .has_begun(self.of_run(steps), self.steps_per_epoch)
    }

    /// Steps of this run.
    fn of_run(&self, steps: i32) -> usize {
        usize::try_from(steps - self.first_step).unwrap_or_default()
    }
}

/// Implementation of a training step.
pub(crate) trait Executor: Send {
    /// Trains on a batch; returns the loss before the update, with the terms that layers add to it,
    /// and writes each of these to `terms`. A loss that is not finite changes no weight.
    ///
    /// If gradients are accumulated, only the last of several batches changes the weights.
    fn step(&mut self, batch: &Batch, terms: &mut [f64]) -> Result<f32>;

    /// Adds the gradients of a batch to those of the next step; returns the loss as
    /// [`Executor::step`] does.
    fn backward(&mut self, batch: &Batch, terms: &mut [f64]) -> Result<f32>;

    /// Takes the step with the gradients so far, if there are any.
    fn update(&mut self) -> Result<()>;

    /// Batches whose gradients wait for the update.
    fn pending(&self) -> Pending;

    /// Mean gradient of each of the model's variables over the images so far, in the variables' shapes.
    fn gradients(&self, model: &Autoencoder) -> Result<Vec<Tensor>>;

    /// Replaces them.
    fn set_gradients(&mut self, gradients: &[Tensor]) -> Result<()>;

    /// Optimizer steps so far.
    fn steps(&self) -> i32;

    /// Changes the learning rate of the following steps.
    fn set_learning_rate(&mut self, learning_rate: f64);

    /// Everything that a checkpoint needs besides the model.
    fn state(&self, model: &Autoencoder) -> Result<ExecutorState>;

    /// Continues from the state of a checkpoint.
    fn restore(&mut self, model: &Autoencoder, state: &ExecutorState) -> Result<()>;

    /// Copies weights and running statistics into the model, or their average if there is one. The
    /// following steps go on from the weights.
    fn store(&mut self, model: &Autoencoder) -> Result<()>;

    /// Gives all ranks the weights, buffers and moments of rank 0.
    fn align(&mut self, model: &Autoencoder) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_counts_epochs_in_steps() {
        let averaging = Averaging {
            average: Average::Swa { from_epoch: 2 },
            steps_per_epoch: 5,
            first_step: 0,
        };
        assert_eq!(
            [9, 10, 12, 15].map(|steps| averaging.share(steps)),
            [None, Some(1.0), None, Some(0.5)]
        );
        assert_eq!(
            [9, 10].map(|steps| averaging.has_begun(steps)),
            [false, true]
        );
        assert!(averaging.is_on());
        let later = Averaging {
            first_step: 10,
            ..averaging
        };
        assert_eq!(
            [10, 19, 20].map(|steps| later.has_begun(steps)),
            [false, false, true]
        );
        assert_eq!(later.share(20), Some(1.0));
    }
}
