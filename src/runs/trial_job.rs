//! The work of one run of a sweep.

use super::point::Point;
use super::rounds::Rounds;
use super::seats::{Seat, Seats};
use super::sweep_view::Update;
use super::trial::TrialState;
use crate::cell::stopped;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::model::Autoencoder;
use crate::train::{Ended, Epoch, Fit};
use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::mpsc::Sender;

/// Tag of the runs of a sweep in the run log.
const TAG: &str = "sweep";

/// One model at a time computes on a GPU.
static GPU: Seats = Seats::new(1);

/// What all runs of a sweep share.
pub(super) struct SweepContext<'a, B> {
    pub(super) data: &'a Dataset,
    pub(super) build: &'a B,
    /// Threads of each model.
    pub(super) threads: usize,
    pub(super) seats: Seats,
    pub(super) rounds: Rounds,
    pub(super) best: Mutex<Option<BestModel>>,
}

/// One run of a sweep.
pub(super) struct TrialJob {
    /// Position among the trials.
    pub(super) index: usize,
    pub(super) point: Point,
}

/// The best model so far.
#[derive(Debug)]
pub(super) struct BestModel {
    pub(super) index: usize,
    loss: f32,
    pub(super) model: Autoencoder,
}

/// A trained model, with the losses of its epochs.
struct Trained {
    model: Autoencoder,
    loss: Option<f32>,
    state: TrialState,
}

impl<B: Fn(&Point) -> Result<(Autoencoder, Fit)> + Sync> SweepContext<'_, B> {
    /// Builds and trains the model of a job, and keeps it if it is the best. A panic ends the run
    /// as an error does. A job that Stop precedes does not begin.
    pub(super) fn run(&self, job: &TrialJob, updates: &Sender<Update>) {
        let trained = catch_unwind(AssertUnwindSafe(|| {
            let seat = self.seats.take();
            let may_begin = !stopped();
            may_begin.then(|| self.train(job, seat, updates))
        }));
        // The other runs wait for this one no longer.
        self.rounds.leave(job.index);
        let state = match trained {
            Ok(None) => return,
            Ok(Some(Ok(trained))) => self.keep_if_best(job.index, trained),
            Ok(Some(Err(Error::Stopped))) => TrialState::Stopped,
            Ok(Some(Err(error))) => TrialState::Failed(error.to_string()),
            Err(panic) => TrialState::Failed(format!("panicked: {}", message(&*panic))),
        };
        send(updates, Update::State(job.index, state));
    }

    fn train<'a>(
        &'a self,
        job: &TrialJob,
        seat: Seat<'a>,
        updates: &Sender<Update>,
    ) -> Result<Trained> {
        send(updates, Update::State(job.index, TrialState::Running));
        let (mut model, mut fit) = (self.build)(&job.point)?;
        fit.tags.extend([TAG.to_owned(), job.point.to_string()]);
        let mut seating = Seating {
            on_gpu: !model.device().is_cpu(),
            taken: None,
        };
        seating.taken = Some((seat, seating.gpu()));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads);
        let pool = pool.build().map_err(|error| {
            let hint = "End other programs, or train fewer models";
            Error::setting("sweep", "threads for its runs", error, hint)
        })?;
        let mut epochs = 0;
        let mut watch = |epoch: &Epoch| {
            epochs += 1;
            send(updates, Update::Epoch(job.index, epoch.clone()));
            if epochs < fit.epochs && self.rounds.ends_at(epochs) {
                return self.end_of_round(job.index, epoch, &mut seating, updates);
            }
            ControlFlow::Continue(())
        };
        let history = pool.install(|| model.fit_watched(self.data, &fit, &mut watch))?;
        if let Some(epoch) = history.restored {
            send(updates, Update::Restored(job.index, epoch));
        }
        let epoch = history.restored.unwrap_or(history.epochs.len());
        let epoch = history.epochs.get(epoch.saturating_sub(1));
        Ok(Trained {
            loss: epoch.map(Epoch::monitored_loss),
            state: match history.ended {
                Ended::Stopped => TrialState::Stopped,
                Ended::Callback => TrialState::Ended,
                _ => TrialState::Finished,
            },
            model,
        })
    }

    /// Gives the seat to another run, and waits for the end of the round.
    fn end_of_round<'a>(
        &'a self,
        index: usize,
        epoch: &Epoch,
        seating: &mut Seating<'a>,
        updates: &Sender<Update>,
    ) -> ControlFlow<String> {
        seating.taken = None;
        send(updates, Update::State(index, TrialState::Paused));
        if !self.rounds.wait_for_others(index, epoch.monitored_loss()) {
            return ControlFlow::Break(TrialState::Ended.to_string());
        }
        seating.taken = Some((self.seats.take(), seating.gpu()));
        send(updates, Update::State(index, TrialState::Running));
        ControlFlow::Continue(())
    }

    fn keep_if_best(&self, index: usize, trained: Trained) -> TrialState {
        let Trained { model, loss, state } = trained;
        let mut best = lock(&self.best);
        if let Some(loss) = loss {
            // Runs end in any order; of equal losses, the first run's is the best.
            let better = |best: &BestModel| (loss, index) < (best.loss, best.index);
            if best.as_ref().is_none_or(better) {
                *best = Some(BestModel { index, loss, model });
            }
        }
        state
    }
}

/// The seats of a run: one of the sweep's, and that of the GPU if the model is on one.
struct Seating<'a> {
    on_gpu: bool,
    taken: Option<(Seat<'a>, Option<Seat<'static>>)>,
}

impl Seating<'_> {
    fn gpu(&self) -> Option<Seat<'static>> {
        self.on_gpu.then(|| GPU.take())
    }
}

/// Nobody receives updates after the end of the sweep.
fn send(updates: &Sender<Update>, update: Update) {
    let _ = updates.send(update);
}

/// The message of a panic.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let owned = || panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(owned).unwrap_or("no message")
}
