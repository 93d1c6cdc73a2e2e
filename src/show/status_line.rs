//! One line of text about work in progress.

use crate::show::content::Content;
use crate::show::display::{Handle, show};
use std::time::{Duration, Instant};

/// Minimum time between two updates of the page.
pub(crate) const UPDATE_EVERY: Duration = Duration::from_millis(200);
/// Minimum duration of work that gets a line.
const APPEAR_AFTER: Duration = Duration::from_millis(500);

/// One line of text about work that may be quick: it appears after half a second and changes at
/// most five times a second.
#[derive(Debug)]
pub(crate) struct StatusLine {
    handle: Option<Handle>,
    last_update: Instant,
}

impl StatusLine {
    pub(crate) fn new() -> Self {
        StatusLine {
            handle: None,
            last_update: Instant::now(),
        }
    }

    /// Replaces the text, if an update is due.
    pub(crate) fn update(&mut self, text: impl FnOnce() -> String) {
        let wait = if self.handle.is_none() {
            APPEAR_AFTER
        } else {
            UPDATE_EVERY
        };
        if self.last_update.elapsed() >= wait {
            self.last_update = Instant::now();
            self.write(text());
        }
    }

    /// Writes the final text, if the line has appeared.
    pub(crate) fn finish(&mut self, text: impl FnOnce() -> String) {
        if self.handle.is_some() {
            self.write(text());
        }
    }

    fn write(&mut self, text: String) {
        match &self.handle {
            Some(handle) => handle.update(Content::text(text)),
            None => self.handle = Some(show(Content::text(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{APPEAR_AFTER, StatusLine};
    use std::time::Instant;

    #[test]
    fn a_line_appears_only_for_work_that_takes_half_a_second() {
        let mut line = StatusLine::new();
        line.update(|| unreachable!("the work has just begun"));
        line.finish(|| unreachable!("no line has appeared"));
        let Some(earlier) = Instant::now().checked_sub(2 * APPEAR_AFTER) else {
            return;
        };
        line.last_update = earlier;
        let mut updates = 0;
        for _ in 0..2 {
            line.update(|| {
                updates += 1;
                "3 of 9".into()
            });
        }
        assert_eq!(updates, 1, "the second update comes too early");
        assert!(line.handle.is_some());
    }
}
