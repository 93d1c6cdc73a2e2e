//! A value that a cell could not show, such as a chart from columns of different lengths.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The reason why the running cell could not show a value, shared by the threads of the relay and the
/// engine. Unlike a panic it does not end the cell, so all of the cell's variables exist.
#[derive(Clone, Default)]
pub(super) struct NotShown(Arc<Mutex<Option<String>>>);

impl NotShown {
    /// Records a reason. Returns it if the cell has another one already.
    pub(super) fn record(&self, reason: String) -> Option<String> {
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
    fn a_cell_has_the_first_reason() {
        let cell = NotShown::default();
        assert_eq!(cell.record("no x".into()), None);
        assert_eq!(cell.record("no y".into()), Some("no y".into()));
        assert_eq!(cell.take(), Some("no x".into()));
        assert_eq!(cell.take(), None);
    }
}
