//! A value that a cell could not show, such as a chart from columns of different lengths.

use super::Relay;
use crate::engine::outbox::Stream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The reason why the running cell could not show a value, shared by the threads of the relay and the
/// engine. Unlike a panic it does not end the cell, so all of the cell's variables exist.
#[derive(Clone, Default)]
pub(in crate::engine) struct NotShown(Arc<Mutex<Option<String>>>);

impl NotShown {
    /// Records a reason. Returns it if the cell has another one already.
    fn record(&self, reason: String) -> Option<String> {
        let mut recorded = self.lock();
        match *recorded {
            Some(_) => Some(reason),
            None => {
                *recorded = Some(reason);
                None
            }
        }
    }

    /// Takes the reason of the last cell.
    pub(in crate::engine) fn take(&self) -> Option<String> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Relay<'_> {
    /// Records the reason, a JSON string, why the cell goes on without showing a value. A reason that
    /// cannot be the cell's failure goes to standard error.
    pub(super) fn cannot_show(&mut self, json: &[u8]) {
        let reason = serde_json::from_slice(json).unwrap_or_default();
        // Between cells, a thread of an earlier cell has shown something.
        let other = if self.is_running() && self.failure().is_none() {
            self.status.not_shown.record(reason)
        } else {
            Some(reason)
        };
        self.send_reason(other);
    }

    /// Sends the reason to standard error, because the cell has failed otherwise.
    pub(super) fn send_not_shown(&mut self) {
        let reason = self.status.not_shown.take();
        self.send_reason(reason);
    }

    fn send_reason(&mut self, reason: Option<String>) {
        if let Some(reason) = reason {
            self.outbox.add(Stream::Err, (reason + "\n").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_the_first_reason() {
        let cell = NotShown::default();
        assert_eq!(cell.record("no x".into()), None);
        assert_eq!(cell.record("no y".into()), Some("no y".into()));
        assert_eq!(cell.take(), Some("no x".into()));
        assert_eq!(cell.take(), None);
    }
}
