//! A value that a callback shows below the cell, in one place.

use crate::show::{Frontend, Handle, Show, UPDATE_EVERY, show};
use std::time::Instant;

/// A value in one place below the cell, replaced at most five times a second.
#[derive(Default)]
pub(super) struct LiveValue {
    handle: Option<Handle>,
    next_update: Option<Instant>,
}

impl LiveValue {
    /// True if an update is due. `always`: after an epoch and at the end, the newest value is shown.
    pub(super) fn is_due(&self, always: bool) -> bool {
        let replaces = Frontend::current() == Frontend::Candlebook;
        let waited = self.next_update.is_none_or(|next| Instant::now() >= next);
        always || (replaces && waited)
    }

    /// Shows the value in place of the last one.
    pub(super) fn show(&mut self, value: impl Show) {
        match &self.handle {
            Some(handle) if Frontend::current() == Frontend::Candlebook => handle.update(value),
            _ => self.handle = Some(show(value)),
        }
        self.next_update = Some(Instant::now() + UPDATE_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_front_end_that_cannot_replace_a_value_gets_one_per_epoch() {
        let mut live = LiveValue::default();
        assert!(!live.is_due(false) && live.is_due(true));
        live.show("0.5");
        assert!(live.next_update.is_some());
    }
}
