//! One epoch of a run: its batches, and the validation.

use super::custom_loss::call;
use super::ended::Ended;
use super::epoch::{Epoch, LossTerm};
use super::event::EventKind;
use super::history::History;
use super::metric::{Metric, measure};
use super::metric_value::MetricValue;
use super::run::Run;
use super::run_event::Moment;
use crate::cell::check_stopped;
use crate::data::{Augment, Augmenter, Batch, Batches};
use crate::error::{Error, Result};
use crate::model::MeanLosses;
use candle_core::Tensor;
use std::ops::ControlFlow;
use std::time::Instant;

impl Run<'_> {
    /// One epoch, with the weights checked for NaN if no validation loss reveals it. Breaks if it is
    /// interrupted.
    pub(super) fn checked_epoch(
        &mut self,
        epoch: usize,
        history: &History,
    ) -> Result<ControlFlow<Ended, Epoch>> {
        let ended = match self.epoch(epoch, history) {
            Err(Error::Stopped) => ControlFlow::Break(Ended::Stopped),
            ended => ended?,
        };
        if ended.is_break() || self.valid.is_none() {
            self.agree(self.check_weights(epoch), |_| false)?;
        }
        Ok(ended)
    }

    /// One pass over the training images, or over the remaining ones, and the validation.
    fn epoch(&mut self, epoch: usize, history: &History) -> Result<ControlFlow<Ended, Epoch>> {
        let losses = history.monitored_losses();
        let clock = EpochClock {
            start: Instant::now(),
            before: self.state.seconds,
        };
        let trained = self.train_batches(epoch, history, &clock);
        if matches!(trained, Ok(_) | Err(Error::Stopped)) {
            self.executor.align(self.model)?;
            self.executor.store(self.model)?;
        }
        if let ControlFlow::Break(reason) = trained? {
            return Ok(ControlFlow::Break(reason));
        }
        let training_seconds = clock.seconds();
        self.align_sums()?;
        let valid = self.validate(epoch)?;
        let images = self.train.len() as f64;
        let mut row = Epoch {
            train_loss: (self.state.loss_sum / images) as f32,
            valid_loss: valid.as_ref().map(MeanLosses::total),
            terms: self.loss_terms(valid.as_ref()),
            metrics: self.measure()?,
            learning_rate: self.learning_rate_at(epoch, self.batches_per_epoch() - 1, &losses),
            seconds: 0.0,
            images_per_second: images / training_seconds,
        };
        let moment = Moment {
            kind: EventKind::Validation,
            epoch,
            loss: row.train_loss,
            valid_loss: row.valid_loss,
        };
        self.emit(moment, history, &mut row.metrics)?;
        row.seconds = clock.seconds();
        Ok(ControlFlow::Continue(row))
    }

    /// Trains on the remaining batches of an epoch. Breaks at the time limit, and if the callback
    /// asks for it.
    fn train_batches(
        &mut self,
        epoch: usize,
        history: &History,
        clock: &EpochClock,
    ) -> Result<ControlFlow<Ended>> {
        let batch_size = self.fit.batch_size;
        let order = self.shuffle.permutation(self.train.len());
        let done = (self.state.batches * batch_size).min(order.len());
        let augment = Augment {
            seed: self.fit.seed,
            epoch: self.state.earlier_epochs + epoch,
        };
        let order = order[done..].to_vec();
        let mut batches =
            Batches::shared(&self.train, order, batch_size, Some(augment), &self.world)?;
        if !self.fit.augment.is_empty() {
            batches = batches.augmented(Augmenter::new(&self.fit.augment, augment, &self.train));
        }
        let losses = history.monitored_losses();
        let mut seen = done;
        let mut saved = Ok(());
        for batch in batches {
            let batch = saved.and(check_stopped()).and(batch);
            let (batch, time_is_up) = self.agree(batch, Self::time_is_up)?;
            if time_is_up {
                return Ok(ControlFlow::Break(Ended::TimeLimit));
            }
            seen += batch.total();
            self.last_rate = self.learning_rate_at(epoch, self.state.batches, &losses);
            self.executor.set_learning_rate(self.last_rate);
            let loss = self.train_batch(epoch, &batch)?;
            self.state.seconds = clock.seconds();
            let mean = self.state.loss_sum / seen as f64;
            self.view.batch_done(seen, mean, self.last_rate);
            saved = self.save_checkpoint_if_due(history);
            let moment = Moment {
                kind: EventKind::Batch,
                epoch,
                loss,
                valid_loss: None,
            };
            self.emit(moment, history, &mut Vec::new())?;
            if self.end_requested {
                return Ok(ControlFlow::Break(Ended::Callback));
            }
        }
        self.agree(saved, |_| false)?;
        self.executor.update()?; // With the gradients of an incomplete step.
        Ok(ControlFlow::Continue(()))
    }

    /// Gives all ranks the sums of losses of rank 0: processors round differently, and all ranks must
    /// decide the same.
    fn align_sums(&mut self) -> Result<()> {
        let mut sums = [&[self.state.loss_sum], &self.state.term_sums[..]].concat();
        self.world.copy_from_first(&mut sums)?;
        self.state.loss_sum = sums[0];
        self.state.term_sums.copy_from_slice(&sums[1..]);
        Ok(())
    }

    /// Trains on a batch; returns its loss.
    fn train_batch(&mut self, epoch: usize, batch: &Batch) -> Result<f32> {
        let loss = self.executor.step(batch, &mut self.terms)?;
        if !loss.is_finite() {
            let cause = self.cause_in(batch, epoch, loss)?;
            return self.agree(Err(cause), |_| false).map(|(loss, _)| loss);
        }
        let images = batch.total() as f64;
        self.state.loss_sum += f64::from(loss) * images;
        for (sum, share) in self.state.term_sums.iter_mut().zip(&self.terms) {
            *sum += share * images;
        }
        self.state.batches += 1;
        Ok(loss)
    }

    /// Learning rate after this number of batches of an epoch, and epochs with these losses.
    fn learning_rate_at(&self, epoch: usize, batches: usize, losses: &[f32]) -> f64 {
        let length = self.fit.length_of(self.train.len());
        let steps = batches / self.fit.gradients.accumulate;
        let step = (epoch - 1) * length.steps_per_epoch + steps;
        self.fit.learning_rate * self.fit.schedule.factor(step, length, losses)
    }

    /// Validation loss; None without validation images.
    fn validate(&self, epoch: usize) -> Result<Option<MeanLosses>> {
        let Some(valid) = &self.valid else {
            return Ok(None);
        };
        let measured = match self.custom_loss {
            Some(own) => {
                let loss =
                    |input: &Tensor, code: &Tensor, output: &Tensor| call(own, input, code, output);
                self.model.mean_losses_by(valid, &self.world, &loss)
            }
            None => self.model.mean_losses_on(valid, self.fit.loss, &self.world),
        };
        let (losses, _) = self.agree(measured, |_| false)?;
        let losses = losses.joined(&self.world)?;
        let loss = losses.total();
        if !loss.is_finite() {
            let cause = self.cause_in_validation(epoch, loss)?;
            return self.agree(Err(cause), |_| false).map(|(losses, _)| losses);
        }
        Ok(Some(losses))
    }

    /// The metrics of the epoch, each computed from all images. Each rank measures some of the images.
    fn measure(&self) -> Result<Vec<MetricValue>> {
        let all = self.valid.as_ref().unwrap_or(&self.train);
        // The number of active units is no mean over images.
        let means = !self.fit.metrics.contains(&Metric::ActiveUnits);
        let shared = self.world.shares(all.len()) && means;
        let images = match shared {
            true => &all.rows(self.world.rows(all.len())),
            false => all,
        };
        let measured = measure(self.model, images, self.fit.loss, &self.fit.metrics);
        let (mut metrics, _) = self.agree(measured, |_| false)?;
        if shared {
            let share = images.len() as f64 / all.len() as f64;
            let values = metrics.iter().map(|metric| metric.value * share);
            let mut sums: Vec<f64> = values.collect();
            self.world.sum(&mut sums)?;
            let pairs = metrics.iter_mut().zip(sums);
            pairs.for_each(|(metric, sum)| metric.value = sum);
        }
        Ok(metrics)
    }

    /// Share of each term in the losses of the epoch.
    fn loss_terms(&self, valid: Option<&MeanLosses>) -> Vec<LossTerm> {
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

    pub(super) fn batches_per_epoch(&self) -> usize {
        self.train.len().div_ceil(self.fit.batch_size)
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
