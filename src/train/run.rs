//! The loop over epochs and batches.

use super::autograd::Autograd;
use super::custom_loss::{CustomLoss, call};
use super::executor::{Executor, StepSettings};
use super::fit::Fit;
use super::history::{Epoch, History, LossTerm};
use super::observer::Observer;
use super::state::{Resumed, RunState};
use super::train_step::TrainStep;
use super::view::View;
use crate::cell::check_stopped;
use crate::data::{Augment, Batch, Batches, Dataset, Split};
use crate::error::{Error, Result};
use crate::math::{Purpose, Rng};
use crate::model::{Autoencoder, MeanLosses};
use candle_core::{Tensor, Var};
use std::time::Instant;

/// One training run.
pub(crate) struct Run<'a> {
    model: &'a Autoencoder,
    fit: &'a Fit,
    custom_loss: Option<CustomLoss<'a>>,
    train: Split,
    valid: Option<Split>,
    executor: Box<dyn Executor + 'a>,
    /// Learned variables.
    variables: Vec<Var>,
    /// Running statistics, which are not learned.
    buffers: Vec<Var>,
    shuffle: Rng,
    view: View,
    observer: &'a mut dyn Observer,
    state: RunState,
    /// Terms that layers add to the loss of the last batch.
    terms: Vec<f64>,
    /// Time of the last checkpoint.
    saved: Instant,
}

impl<'a> Run<'a> {
    /// New run, or the continuation of an interrupted one.
    ///
    /// # Errors
    /// Other data than the interrupted run's; not enough memory on the model's device.
    pub(crate) fn new(
        model: &'a Autoencoder,
        data: &Dataset,
        fit: &'a Fit,
        custom_loss: Option<CustomLoss<'a>>,
        resumed: Option<Resumed>,
        observer: &'a mut dyn Observer,
    ) -> Result<Self> {
        let (train, valid) = split_validation(data, fit);
        let terms = model.term_names().len();
        let (mut state, moments) = match resumed {
            Some(Resumed { state, moments }) => {
                state.check(&train)?;
                (state, Some(moments))
            }
            None => (RunState::new(fit, &train)?, None),
        };
        state.term_sums.resize(terms, 0.0);
        state.custom_loss = custom_loss.is_some();
        let mut executor = executor(model, step_settings(fit, custom_loss, &state))?;
        if let Some(moments) = moments {
            executor.restore(&moments, state.positions().steps)?;
        }
        let mut view = View::new(fit.epochs, train.len(), fit.batch_size, model.image_shape());
        view.begin_at(state.history.len(), state.batches * fit.batch_size);
        view.silent = !observer.has_view();
        Ok(Run {
            model,
            fit,
            custom_loss,
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
            saved: Instant::now(),
        })
    }

    /// Trains until the last epoch or Stop.
    ///
    /// # Errors
    /// A loss or weight that is not finite; an image or a checkpoint that cannot be read or
    /// written. The model then has the weights of the last good epoch.
    pub(crate) fn all_epochs(mut self) -> Result<History> {
        let mut history = History {
            epochs: std::mem::take(&mut self.state.history),
            loss: self.fit.loss,
            custom_loss: self.custom_loss.is_some(),
            stopped: false,
            fit: self.fit.clone(),
        };
        let mut good = self.weights()?;
        for epoch in history.epochs.len() + 1..=self.fit.epochs {
            match self.checked_epoch(epoch, &history) {
                Ok(row) => history.epochs.push(row),
                Err(Error::Stopped) => {
                    history.stopped = true;
                    self.save_checkpoint(&history)?;
                    break;
                }
                Err(error) => {
                    self.set_weights(&good)?;
                    return Err(error);
                }
            }
            good = self.weights()?;
            self.state.next_epoch(self.shuffle.position());
            self.save_checkpoint(&history)?;
            let shown = self.valid.as_ref().unwrap_or(&self.train);
            self.view.epoch_done(self.model, &history, shown)?;
            if let Some(row) = history.epochs.last()
                && self.observer.epoch(epoch, row).is_break()
            {
                break;
            }
        }
        let sparsity = self.model.trained_sparsity(&self.train);
        let sparsity = sparsity.map(|sparsity| sparsity.to_string());
        let lines = [self.model.activity(&self.train), sparsity];
        let lines: Vec<String> = lines.into_iter().flatten().collect();
        self.view.done(&history, &lines)?;
        Ok(history)
    }

    /// One epoch, with the weights checked for NaN if no validation loss reveals it.
    fn checked_epoch(&mut self, epoch: usize, history: &History) -> Result<Epoch> {
        let ended = self.epoch(epoch, history);
        let validated = ended.is_ok() && self.valid.is_some();
        if !validated && matches!(ended, Ok(_) | Err(Error::Stopped)) {
            self.check_weights(epoch)?;
        }
        ended
    }

    /// One pass over the training images, or over the remaining ones, and the validation.
    fn epoch(&mut self, epoch: usize, history: &History) -> Result<Epoch> {
        let clock = EpochClock {
            start: Instant::now(),
            before: self.state.seconds,
        };
        let trained = self.train_batches(epoch, history, &clock);
        if matches!(trained, Ok(()) | Err(Error::Stopped)) {
            self.executor.store(self.model)?;
        }
        trained?;
        let training_seconds = clock.seconds();
        let valid = self.validate(epoch)?;
        let images = self.train.len() as f64;
        Ok(Epoch {
            train_loss: (self.state.loss_sum / images) as f32,
            valid_loss: valid.as_ref().map(MeanLosses::total),
            terms: self.terms(valid.as_ref()),
            learning_rate: self.learning_rate_at(epoch * self.batches_per_epoch() - 1),
            seconds: clock.seconds(),
            images_per_second: images / training_seconds,
        })
    }

    /// Trains on the remaining batches of an epoch, until Stop.
    fn train_batches(&mut self, epoch: usize, history: &History, clock: &EpochClock) -> Result<()> {
        let batch_size = self.fit.batch_size;
        let order = self.shuffle.permutation(self.train.len());
        let done = (self.state.batches * batch_size).min(order.len());
        let augment = Some(Augment {
            seed: self.fit.seed,
            epoch,
        });
        let batches = Batches::new(&self.train, order[done..].to_vec(), batch_size, augment)?;
        let mut seen = done;
        for batch in batches {
            check_stopped()?;
            let batch = batch?;
            seen += batch.len();
            let learning_rate = self.learning_rate(epoch);
            self.executor.set_learning_rate(learning_rate);
            self.train_batch(epoch, &batch)?;
            self.state.seconds = clock.seconds();
            let loss = self.state.loss_sum / seen as f64;
            self.view.batch_done(seen, loss, learning_rate);
            if self.checkpoint_is_due() {
                self.executor.store(self.model)?;
                self.save_checkpoint(history)?;
            }
        }
        Ok(())
    }

    fn train_batch(&mut self, epoch: usize, batch: &Batch) -> Result<()> {
        let loss = self.executor.step(batch, &mut self.terms)?;
        if !loss.is_finite() {
            return Err(self.diverged(epoch, self.state.batches + 1, loss));
        }
        let images = batch.len() as f64;
        self.state.loss_sum += f64::from(loss) * images;
        for (sum, share) in self.state.term_sums.iter_mut().zip(&self.terms) {
            *sum += share * images;
        }
        self.state.batches += 1;
        Ok(())
    }

    /// Learning rate of the next step.
    fn learning_rate(&self, epoch: usize) -> f64 {
        self.learning_rate_at((epoch - 1) * self.batches_per_epoch() + self.state.batches)
    }

    /// Learning rate after this number of steps.
    fn learning_rate_at(&self, step: usize) -> f64 {
        self.fit.learning_rate * self.fit.schedule.factor(step, self.batches_per_epoch())
    }

    /// Validation loss; None without validation images.
    fn validate(&self, epoch: usize) -> Result<Option<MeanLosses>> {
        let Some(valid) = &self.valid else {
            return Ok(None);
        };
        let losses = match self.custom_loss {
            Some(own) => self
                .model
                .mean_losses_by(valid, &|input, code, output| call(own, input, code, output))?,
            None => self.model.mean_losses(valid, self.fit.loss)?,
        };
        let loss = losses.total();
        if !loss.is_finite() {
            return Err(self.diverged(epoch, self.batches_per_epoch(), loss));
        }
        Ok(Some(losses))
    }

    /// Share of each term in the losses of the epoch.
    fn terms(&self, valid: Option<&MeanLosses>) -> Vec<LossTerm> {
        let images = self.train.len() as f64;
        let names = self.model.term_names().into_iter().enumerate();
        names
            .map(|(i, name)| LossTerm {
                name,
                train: (self.state.term_sums[i] / images) as f32,
                valid: valid.map(|losses| losses.terms[i] as f32),
            })
            .collect()
    }

    /// Checks the weights for NaN after the last step, which no later loss would reveal.
    fn check_weights(&self, epoch: usize) -> Result<()> {
        for var in &self.variables {
            let sum = var.as_tensor().sum_all()?.to_scalar::<f32>()?;
            if !sum.is_finite() {
                return Err(self.diverged(epoch, self.batches_per_epoch(), sum));
            }
        }
        Ok(())
    }

    fn checkpoint_is_due(&self) -> bool {
        let minutes = self.saved.elapsed().as_secs_f64() / 60.0;
        self.fit.checkpoint.is_some() && minutes >= self.fit.checkpoint_every
    }

    /// Writes the checkpoint, if the settings ask for one.
    fn save_checkpoint(&mut self, history: &History) -> Result<()> {
        let Some(path) = &self.fit.checkpoint else {
            return Ok(());
        };
        self.state.set_positions(self.executor.positions());
        self.state.history.clone_from(&history.epochs);
        let moments = self.executor.moments(&self.variables)?;
        self.state.write(path, self.model, moments)?;
        self.saved = Instant::now();
        Ok(())
    }

    /// Copies of the learned variables and the buffers.
    fn weights(&self) -> Result<Vec<Tensor>> {
        let all = self.variables.iter().chain(&self.buffers);
        all.map(|var| Ok(var.as_tensor().copy()?)).collect()
    }

    fn set_weights(&self, weights: &[Tensor]) -> Result<()> {
        for (var, weights) in self.variables.iter().chain(&self.buffers).zip(weights) {
            var.set(weights)?;
        }
        Ok(())
    }

    fn batches_per_epoch(&self) -> usize {
        self.train.len().div_ceil(self.fit.batch_size)
    }

    fn diverged(&self, epoch: usize, batch: usize, loss: f32) -> Error {
        Error::Diverged {
            epoch,
            batch,
            loss,
            kept: epoch - 1,
            learning_rate: self.learning_rate(epoch),
        }
    }
}

/// Time spent in an epoch, including the part before an interruption.
struct EpochClock {
    start: Instant,
    /// Seconds before the interruption.
    before: f64,
}

impl EpochClock {
    fn seconds(&self) -> f64 {
        self.before + self.start.elapsed().as_secs_f64()
    }
}

/// Training and validation images of a data set.
fn split_validation(data: &Dataset, fit: &Fit) -> (Split, Option<Split>) {
    let n = data.train.len();
    let order = Rng::new(fit.seed, Purpose::Split).permutation(n);
    let (valid, train) = data.train.divide(&order, fit.validation_count(n));
    (train, Some(valid).filter(|valid| !valid.is_empty()))
}

fn step_settings<'a>(
    fit: &Fit,
    custom_loss: Option<CustomLoss<'a>>,
    state: &RunState,
) -> StepSettings<'a> {
    let positions = state.positions();
    StepSettings {
        batch_size: fit.batch_size,
        loss: fit.loss,
        custom_loss,
        optim: fit.optimizer,
        rates: fit.rates(),
        rng: Rng::new(fit.seed, Purpose::Dropout).skipped(positions.rng),
        bf16: fit.bf16,
        planned: fit.planned,
    }
}

/// Planned step if the settings ask for it and the model allows it, else autograd.
fn executor<'a>(
    model: &'a Autoencoder,
    settings: StepSettings<'a>,
) -> Result<Box<dyn Executor + 'a>> {
    if settings.planned
        && let Some(step) = TrainStep::<'a, f32>::new(model, &settings)?
    {
        return Ok(Box::new(step));
    }
    Ok(Box::new(Autograd::new(model, settings)?))
}
