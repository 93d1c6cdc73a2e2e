//! Files of a run: its checkpoint, and the best epoch's model.

use super::best::best_path;
use super::history::History;
use super::run::Run;
use crate::error::Result;
use std::path::Path;
use std::time::Instant;

impl Run<'_> {
    /// Writes the checkpoint within an epoch, if the last one is old. Of several ranks, each has a part of
    /// the gradients that wait for an update, so none may wait then.
    pub(super) fn save_checkpoint_if_due(&mut self, history: &History) -> Result<()> {
        let minutes = self.saved.elapsed().as_secs_f64() / 60.0;
        let whole = self.world.is_alone() || self.executor.pending().is_none();
        if minutes < self.fit.checkpoint_every || self.checkpoint().is_none() || !whole {
            return Ok(());
        }
        self.executor.store(self.model)?;
        self.save_checkpoint(history)
    }

    /// File of the checkpoint, which rank 0 writes.
    fn checkpoint(&self) -> Option<&'_ Path> {
        let checkpoint = self.fit.checkpoint.as_deref();
        checkpoint.filter(|_| self.world.rank() == 0)
    }

    /// Writes the checkpoint, if the settings ask for one.
    pub(super) fn save_checkpoint(&mut self, history: &History) -> Result<()> {
        let Some(path) = self.checkpoint().map(Path::to_owned) else {
            return Ok(());
        };
        self.state.history.clone_from(&history.epochs);
        let best = self.best.get(&history.epochs);
        let at_best = |epoch: usize| self.state.batches == 0 && epoch == history.epochs.len();
        let best = best.filter(|(epoch, _)| !at_best(*epoch));
        let executor = self.executor.state(self.model)?;
        self.state.write(&path, self.model, &executor, best)?;
        self.saved = Instant::now();
        Ok(())
    }

    /// Writes the model of the best epoch, which the model now is, beside the checkpoint.
    pub(super) fn save_best(&self) -> Result<()> {
        match self.checkpoint() {
            Some(path) => self.model.save(best_path(path)),
            None => Ok(()),
        }
    }
}
