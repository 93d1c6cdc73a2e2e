//! Events of a run: calls of its callback.

use super::event::{Access, Event, EventKind};
use super::history::History;
use super::metric_value::MetricValue;
use super::run::Run;
use crate::error::{Error, Result};
use std::cell::RefCell;
use std::ops::ControlFlow;

/// Facts of an event that the run's state does not have.
pub(super) struct Moment {
    pub(super) kind: EventKind,
    pub(super) epoch: usize,
    pub(super) loss: f32,
    pub(super) valid_loss: Option<f32>,
}

impl Run<'_> {
    /// Calls the callback, if there is one. Its error ends training like its request.
    ///
    /// # Errors
    /// On Stop within the callback.
    pub(super) fn emit(
        &mut self,
        moment: Moment,
        history: &History,
        metrics: &mut Vec<MetricValue>,
    ) -> Result<()> {
        if self.callback_error.is_some() {
            return Ok(()); // It is not called again after its error.
        }
        let Some(mut callback) = self.callback.take() else {
            return Ok(());
        };
        let step = self.executor.steps();
        let mut event = Event {
            kind: moment.kind,
            epoch: moment.epoch,
            epochs: self.fit.epochs,
            batch: self.state.batches,
            batches: self.batches_per_epoch(),
            step: usize::try_from(step).unwrap_or_default(),
            loss: moment.loss,
            valid_loss: moment.valid_loss,
            learning_rate: self.last_rate,
            history,
            access: Access {
                model: self.model,
                executor: RefCell::new(&mut *self.executor),
                images: self.valid.as_ref().unwrap_or(&self.train),
                metrics,
                live: &mut self.live,
            },
        };
        let flow = callback(&mut event);
        self.callback = Some(callback);
        match flow {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => self.end_requested = true,
            Err(Error::Stopped) => return Err(Error::Stopped),
            Err(error) => {
                self.end_requested = true;
                self.callback_error = Some(error);
            }
        }
        Ok(())
    }

    /// Calls the callback after an epoch, or at the end. The next epoch notices Stop.
    pub(super) fn emit_after(&mut self, kind: EventKind, history: &History) {
        let last = history.epochs.last();
        let moment = Moment {
            kind,
            epoch: history.epochs.len(),
            loss: last.map_or(f32::NAN, |epoch| epoch.train_loss),
            valid_loss: last.and_then(|epoch| epoch.valid_loss),
        };
        let _stopped = self.emit(moment, history, &mut Vec::new());
    }
}
