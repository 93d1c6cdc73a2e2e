//! Training without a view, watched epoch by epoch, for sweeps.

use super::epoch::Epoch;
use super::fit::Fit;
use super::history::History;
use super::hooks::Hooks;
use super::observer::Observer;
use super::recorder::Recorder;
use crate::data::Dataset;
use crate::dist::World;
use crate::error::{Error, Result};
use crate::model::Autoencoder;
use std::ops::ControlFlow;

/// Receives each finished epoch. A reason ends training, and is written to the run log.
pub(crate) type Watch<'a> = &'a mut (dyn FnMut(&Epoch) -> ControlFlow<String> + Send);

impl Autoencoder {
    /// Trains as [`Autoencoder::fit`] does, without a view.
    ///
    /// # Errors
    /// As [`Autoencoder::fit`].
    pub(crate) fn fit_watched(
        &mut self,
        data: &Dataset,
        fit: &Fit,
        watch: Watch<'_>,
    ) -> Result<History> {
        self.check_run(data, fit)?;
        if fit.team.is_some() {
            let hint = "The runs of a sweep share the cores of this machine";
            let expected = "None in a sweep";
            return Err(Error::setting("Fit::team", expected, "a team", hint));
        }
        let mut watched = Watched {
            recorder: Recorder::begin(self, data, fit, false, None),
            watch,
            reason: None,
        };
        let history = self.train_observed(
            data,
            fit,
            Hooks::default(),
            None,
            &mut watched,
            World::default(),
        );
        let Watched {
            mut recorder,
            reason,
            ..
        } = watched;
        match reason {
            Some(reason) => recorder.end_with(&reason),
            None => recorder.end(&history),
        }
        history
    }
}

/// Observer of a watched run.
struct Watched<'a> {
    recorder: Recorder,
    watch: Watch<'a>,
    /// Why the watch has ended training.
    reason: Option<String>,
}

impl Observer for Watched<'_> {
    fn epoch(&mut self, number: usize, epoch: &Epoch) -> ControlFlow<()> {
        self.recorder.record(number, epoch);
        match (self.watch)(epoch) {
            ControlFlow::Continue(()) => ControlFlow::Continue(()),
            ControlFlow::Break(reason) => {
                self.reason = Some(reason);
                ControlFlow::Break(())
            }
        }
    }

    fn has_view(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Layer::{Flatten, Linear};

    #[test]
    fn a_reason_ends_training_after_its_epoch() {
        let data = crate::data::mnist_embedded().unwrap().take(60, 10);
        let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)]).unwrap();
        let fit = Fit {
            epochs: 5,
            batch_size: 20,
            ..Default::default()
        };
        let mut seen = Vec::new();
        let history = ae.fit_watched(&data, &fit, &mut |epoch| {
            seen.push(epoch.clone());
            match seen.len() {
                2 => ControlFlow::Break("enough".into()),
                _ => ControlFlow::Continue(()),
            }
        });
        let history = history.unwrap();
        assert_eq!((history.epochs.len(), history.stopped), (2, false));
        assert_eq!(history.epochs, seen);
    }
}
