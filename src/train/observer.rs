//! What follows a training run.

use super::epoch::Epoch;
use std::ops::ControlFlow;

/// Follows a training run.
pub(super) trait Observer: Send {
    /// An epoch has ended; its number is counted from 1. `Break` ends training.
    fn epoch(&mut self, number: usize, epoch: &Epoch) -> ControlFlow<()>;

    /// False if the run has no view, because it is one of several.
    fn has_view(&self) -> bool;
}
