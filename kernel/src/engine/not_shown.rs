//! A value that a cell could not show, such as a chart from columns of different lengths.

use super::event::{Event, Sink};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The reason why the running cell could not show a value, shared by the threads of the relay and the
/// engine. Unlike a panic it does not end the cell, so all of the cell's variables exist.
#[derive(Clone, Default)]
pub(super) struct NotShown(Arc<Mutex<Option<String>>>);

impl NotShown {
    /// Records a reason, a JSON string. A second one, or one that cannot be the failure of a cell, goes
    /// to standard error.
    pub(super) fn record(&self, json: &[u8], can_fail: bool, sink: &mut Sink) {
        let reason: String = serde_json::from_slice(json).unwrap_or_default();
        let mut recorded = self.lock();
        if can_fail && recorded.is_none() {
            *recorded = Some(reason);
        } else {
            sink(Event::Stderr(reason + "\n"));
        }
    }

    /// Sends the reason to standard error, because the cell has failed otherwise.
    pub(super) fn send(&self, sink: &mut Sink) {
        if let Some(reason) = self.take() {
            sink(Event::Stderr(reason + "\n"));
        }
    }

    /// Takes the reason of the last cell.
    pub(super) fn take(&self) -> Option<String> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_fails_for_the_first_reason_and_no_other_is_lost() {
        let sent = Arc::new(Mutex::new(String::new()));
        let of_sink = Arc::clone(&sent);
        let mut sink: Sink = Box::new(move |event| {
            if let Event::Stderr(text) = event {
                of_sink.lock().unwrap().push_str(&text);
            }
        });
        let cell = NotShown::default();
        cell.record(b"\"late\"", false, &mut sink);
        cell.record(b"\"no x\"", true, &mut sink);
        cell.record(b"\"no y\"", true, &mut sink);
        assert_eq!(*sent.lock().unwrap(), "late\nno y\n");
        assert_eq!(cell.take(), Some("no x".into()));
        cell.record(b"\"no z\"", true, &mut sink);
        cell.send(&mut sink);
        assert_eq!(*sent.lock().unwrap(), "late\nno y\nno z\n");
        assert_eq!(cell.take(), None);
    }
}
