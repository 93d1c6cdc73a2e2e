//! Files of a run: its checkpoint, and the best epoch's model.

use super::best::best_path;
use super::history::History;
use super::run::Run;
use crate::error::Result;
use std::time::Instant;

impl Run<'_> {
    pub(super) fn checkpoint_is_due(&self) -> bool {
        let minutes = self.saved.elapsed().as_secs_f64() / 60.0;
        self.fit.checkpoint.is_some() && minutes >= self.fit.checkpoint_every
    }

    /// Writes the checkpoint, if the settings ask for one.
    pub(super) fn save_checkpoint(&mut self, history: &History) -> Result<()> {
        let Some(path) = &self.fit.checkpoint else {
            return Ok(());
        };
        self.state.history.clone_from(&history.epochs);
        let best = self.best.get(&history.epochs);
        let at_best = |epoch: usize| self.state.batches == 0 && epoch == history.epochs.len();
        let best = best.filter(|(epoch, _)| !at_best(*epoch));
        let executor = self.executor.state(self.model)?;
        self.state.write(path, self.model, &executor, best)?;
        self.saved = Instant::now();
        Ok(())
    }

    /// Writes the model of the best epoch, which the model now is, beside the checkpoint.
    pub(super) fn save_best(&self) -> Result<()> {
        match &self.fit.checkpoint {
            Some(path) => self.model.save(best_path(path)),
            None => Ok(()),
        }
    }
}
