//! The loop over epochs.

use super::best::Best;
use super::custom_loss::CustomLoss;
use super::ended::Ended;
use super::event::{Callback, EventKind};
use super::executor::{Executor, StepSettings};
use super::executor_state::Positions;
use super::fit::Fit;
use super::history::History;
use super::hooks::Hooks;
use super::live_value::LiveValue;
use super::observer::Observer;
use super::setup::{begin, split_validation};
use super::state::{Resumed, RunState};
use super::step_settings::{executor, step_settings};
use super::view::View;
use crate::data::{Dataset, Split};
use crate::dist::World;
use crate::error::{Error, Result};
use crate::math::{Purpose, Rng};
use crate::model::{Autoencoder, LastRun, OptimizerState, Snapshot};
use crate::show::note;
use candle_core::Var;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

/// One training run.
pub(crate) struct Run<'a> {
    pub(super) model: &'a Autoencoder,
    pub(super) data: &'a Dataset,
    pub(super) fit: &'a Fit,
    pub(super) custom_loss: Option<CustomLoss<'a>>,
    pub(super) callback: Option<Callback<'a>>,
    /// Value that the callback has shown.
    pub(super) live: LiveValue,
    /// The callback has asked for the end of training.
    pub(super) end_requested: bool,
    /// Error of the callback.
    pub(super) callback_error: Option<Error>,
    pub(super) train: Split,
    pub(super) valid: Option<Split>,
    pub(super) executor: Box<dyn Executor + 'a>,
    /// Learned variables.
    pub(super) variables: Vec<Var>,
    /// Running statistics, which are not learned.
    pub(super) buffers: Vec<Var>,
    pub(super) shuffle: Rng,
    pub(super) view: View,
    pub(super) observer: &'a mut dyn Observer,
    pub(super) state: RunState,
    /// Terms that layers add to the loss of the last batch.
    pub(super) terms: Vec<f64>,
    /// Learning rate of the last step.
    pub(super) last_rate: f64,
    pub(super) best: Best,
    pub(super) start: Instant,
    /// Time of the last checkpoint.
    pub(super) saved: Instant,
    /// Ranks that train together.
    pub(super) world: World,
}

impl<'a> Run<'a> {
    /// New run, or the continuation of an interrupted one.
    ///
    /// # Errors
    /// Other data than the interrupted run's; not enough memory on the model's device.
    pub(crate) fn new(
        model: &'a Autoencoder,
        data: &'a Dataset,
        fit: &'a Fit,
        hooks: &'a mut Hooks<'_>,
        resumed: Option<Resumed>,
        observer: &'a mut dyn Observer,
        world: World,
    ) -> Result<Self> {
        let (train, valid) = split_validation(data, fit);
        let custom_loss = hooks.loss.as_deref();
        let resumed = match resumed {
            Some(resumed) => {
                resumed.state.check(&train)?;
                resumed
            }
            None => begin(model, fit, &train, custom_loss.is_some())?,
        };
        let Resumed {
            mut state,
            executor: executor_state,
            best,
        } = resumed;
        let terms = model.term_names().len();
        state.term_sums.resize(terms, 0.0);
        let start = Positions {
            rng: state.rng,
            steps: state.first_step,
        };
        let settings = StepSettings {
            world: world.clone(),
            ..step_settings(model, fit, custom_loss, train.len(), start)?
        };
        let mut executor = executor(model, settings)?;
        if let Some(executor_state) = executor_state {
            executor.restore(model, &executor_state)?;
        }
        let mut view = View::new(fit.epochs, train.len(), fit.batch_size, model.image_shape());
        view.begin_at(state.history.len(), state.batches * fit.batch_size);
        view.silent = !observer.has_view() || world.rank() > 0;
        Ok(Run {
            model,
            data,
            fit,
            custom_loss,
            callback: hooks.callback.take(),
            live: LiveValue::default(),
            end_requested: false,
            callback_error: None,
            train,
            valid,
            executor,
            variables: model.variables().into_iter().map(|(_, var)| var).collect(),
            buffers: model.buffers().into_iter().map(|(_, var)| var).collect(),
            shuffle: Rng::new(fit.seed, Purpose::Shuffle).skipped(state.shuffle),
            view,
            observer,
            state,
            terms: vec![0.0; terms],
            last_rate: fit.learning_rate,
            best: Best::new(fit.monitor(), best),
            start: Instant::now(),
            saved: Instant::now(),
            world,
        })
    }

    /// Trains until the end of the run. Returns its history, and what it leaves with the model.
    ///
    /// # Errors
    /// A loss or weight that is not finite; an image or a checkpoint that cannot be read or
    /// written. The model then has the weights of the last good epoch. An error of the callback,
    /// which keeps the weights of the moment.
    pub(crate) fn all_epochs(mut self) -> (Result<History>, LastRun) {
        let mut history = History {
            epochs: std::mem::take(&mut self.state.history),
            loss: self.fit.loss,
            custom_loss: self.custom_loss.is_some(),
            monitor: self.fit.monitor(),
            fit: self.fit.clone(),
            ..Default::default()
        };
        let mut last = LastRun::default();
        let result = self.train_epochs(&mut history, &mut last);
        last.best = self.best.get(&history.epochs).cloned();
        (result.map(|()| history), last)
    }

    fn train_epochs(&mut self, history: &mut History, last: &mut LastRun) -> Result<()> {
        let mut good = self.weights()?;
        let mut ended = self.ended(history)?;
        if let Some(reason @ (Ended::EarlyStopping | Ended::TargetLoss)) = ended {
            note(format_args!(
                "the run is complete: {}. To train longer, call fit on the model",
                reason.reason()
            ));
        }
        while ended.is_none() {
            match self.checked_epoch(history.epochs.len() + 1, history) {
                Ok(ControlFlow::Continue(row)) => history.epochs.push(row),
                Ok(ControlFlow::Break(reason)) => {
                    let saved = self.save_checkpoint(history);
                    self.agree(saved, |_| false)?;
                    ended = Some(reason);
                    break;
                }
                Err(error) => {
                    self.set_weights(&good)?;
                    return Err(error);
                }
            }
            good = self.weights()?;
            let shown = self.end_epoch(history, &good);
            self.agree(shown, |_| false)?;
            ended = self.ended(history)?;
        }
        history.ended = ended.unwrap_or_default();
        history.stopped = history.ended == Ended::Stopped;
        last.optimizer = Some(Arc::new(self.optimizer_state(history)?));
        self.restore_best(history)?;
        self.report(history)?;
        self.callback_error.take().map_or(Ok(()), Err)
    }

    /// Records a finished epoch, whose weights the model has.
    fn end_epoch(&mut self, history: &History, weights: &Snapshot) -> Result<()> {
        self.state.next_epoch(self.shuffle.position());
        let is_best = self.best.update(&history.epochs, weights);
        self.save_checkpoint(history)?;
        if is_best {
            self.save_best()?;
        }
        let shown = self.valid.as_ref().unwrap_or(&self.train);
        self.view.epoch_done(self.model, history, shown)?;
        self.emit_after(EventKind::Epoch, history);
        let before = Instant::now();
        if let Some(row) = history.epochs.last()
            && self.observer.epoch(history.epochs.len(), row).is_break()
        {
            self.end_requested = true;
        }
        // A run of a sweep may have waited for others.
        self.start += before.elapsed();
        Ok(())
    }

    /// Reason for the end of training after the finished epochs. It depends on them, on time and on
    /// the callback alone, so that a complete run can be resumed.
    fn ended(&self, history: &History) -> Result<Option<Ended>> {
        let ((), time_is_up) = self.agree(Ok(()), Self::time_is_up)?;
        let epochs = &history.epochs;
        let reached = |target: f64| {
            let loss = epochs.last().map(|epoch| f64::from(epoch.monitored_loss()));
            loss.is_some_and(|loss| loss <= target)
        };
        let early = self.fit.early_stopping.as_ref();
        Ok(if self.end_requested {
            Some(Ended::Callback)
        } else if self.fit.target_loss.is_some_and(reached) {
            Some(Ended::TargetLoss)
        } else if epochs.len() >= self.fit.epochs {
            Some(Ended::Epochs)
        } else if early.is_some_and(|early| early.ends(epochs)) {
            Some(Ended::EarlyStopping)
        } else if time_is_up {
            Some(Ended::TimeLimit)
        } else {
            None
        })
    }

    /// Makes all ranks go on, or none. Whether `flag` is true is up to rank 0.
    pub(super) fn agree<T>(
        &self,
        result: Result<T>,
        flag: impl Fn(&Self) -> bool,
    ) -> Result<(T, bool)> {
        let flag = self.world.rank() == 0 && flag(self);
        self.world.agree(result, flag)
    }

    pub(super) fn time_is_up(&self) -> bool {
        let minutes = self.start.elapsed().as_secs_f64() / 60.0;
        self.fit.time_limit.is_some_and(|limit| minutes >= limit)
    }

    /// Gives the model the weights of the best epoch, if the settings ask for it.
    fn restore_best(&self, history: &mut History) -> Result<()> {
        let early = self.fit.early_stopping.as_ref();
        if !early.is_some_and(|early| early.restore_best) || history.ended.keeps_the_moment() {
            return Ok(());
        }
        if let Some((epoch, weights)) = self.best.get(&history.epochs) {
            self.set_weights(weights)?;
            history.restored = Some(*epoch);
        }
        Ok(())
    }

    /// Shows the end of the run.
    fn report(&mut self, history: &History) -> Result<()> {
        let sparsity = self.model.trained_sparsity(&self.train);
        let sparsity = sparsity.map(|sparsity| sparsity.to_string());
        let lines = [self.model.activity(&self.train), sparsity];
        let lines: Vec<String> = lines.into_iter().flatten().collect();
        self.view.done(history, &lines)?;
        self.emit_after(EventKind::End, history);
        Ok(())
    }

    /// Optimizer and random streams, for the next run.
    fn optimizer_state(&self, history: &History) -> Result<OptimizerState> {
        let executor = self.executor.state(self.model)?;
        Ok(OptimizerState {
            optim: self.fit.optimizer,
            loss: self.fit.loss,
            custom_loss: self.custom_loss.is_some(),
            moments: executor.moments,
            steps: executor.positions.steps,
            averaged: !executor.weights.is_empty(),
            // An interrupted epoch has drawn its augmentations.
            epochs: self.state.earlier_epochs
                + history.epochs.len()
                + usize::from(self.state.batches > 0),
            seed: self.fit.seed,
            rng: executor.positions.rng,
            shuffle: self.shuffle.position(),
            weights: self.weights()?.hash()?,
        })
    }

    /// Copies of the learned variables and the buffers.
    fn weights(&self) -> Result<Snapshot> {
        Snapshot::of(self.variables.iter().chain(&self.buffers))
    }

    fn set_weights(&self, weights: &Snapshot) -> Result<()> {
        weights.restore(self.variables.iter().chain(&self.buffers))
    }
}

#[cfg(test)]
mod tests;
