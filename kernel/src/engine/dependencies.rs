//! The crates that cells add by `:dep`: compiled first, then made known to evcxr.

use super::code::take_dependencies;
use super::event::{Display, Event, Op};
use super::outcome::CellError;
use super::output::Output;
use crate::build::AddedCrates;
use evcxr::CommandContext;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Shortest time between two progress messages.
const INTERVAL: Duration = Duration::from_millis(250);

/// The crates that the notebook's cells have added.
pub(super) struct Dependencies {
    added: AddedCrates,
    /// The notebook's folder, to which paths are relative.
    folder: PathBuf,
    sink: Output,
    /// Number of cells that have reported progress.
    reports: usize,
}

impl Dependencies {
    pub(super) fn new(session: &Path, folder: PathBuf, sink: Output) -> Dependencies {
        Dependencies {
            added: AddedCrates::none(session),
            folder,
            sink,
            reports: 0,
        }
    }

    /// Adds the crates of a cell's `:dep` lines, and returns the cell without them; `None` if it has
    /// none. If this fails, the next cells run as before.
    ///
    /// # Errors
    /// If a crate cannot be found, downloaded or compiled.
    pub(super) fn add(
        &mut self,
        code: &str,
        context: &mut CommandContext,
    ) -> Result<Option<String>, CellError> {
        let failed = |message: String| CellError::new("DependencyError", message);
        let found = take_dependencies(code, &self.folder).map_err(failed)?;
        self.reports += 1;
        let mut report = Report::new(&self.sink, self.reports);
        let Some(found) = found else {
            let refreshed = self.added.refresh(&mut |text| report.show(text));
            return refreshed.map(|()| None).map_err(failed);
        };
        let before = self.added.list();
        let added = self.added.add(&found.crates, &mut |text| report.show(text));
        report.end();
        added.map_err(failed)?;
        if let Err(error) = context.execute(&found.commands) {
            self.added.restore(before);
            return Err(failed(error.to_string()));
        }
        Ok(Some(found.rest))
    }
}

/// One line of progress, which is replaced as it changes.
struct Report<'a> {
    sink: &'a Output,
    id: String,
    /// Time of the last message, once there is one.
    shown: Option<Instant>,
    /// Text that came too soon after the last message.
    waiting: Option<String>,
}

impl Report<'_> {
    fn new(sink: &Output, number: usize) -> Report<'_> {
        Report {
            sink,
            id: format!("candlebook-dep-{number}"),
            shown: None,
            waiting: None,
        }
    }

    fn show(&mut self, text: String) {
        if self.shown.is_some_and(|time| time.elapsed() < INTERVAL) {
            self.waiting = Some(text);
        } else {
            self.send(text);
        }
    }

    /// Shows the last text.
    fn end(&mut self) {
        if let Some(text) = self.waiting.take() {
            self.send(text);
        }
    }

    fn send(&mut self, text: String) {
        let op = if self.shown.is_some() {
            Op::Update
        } else {
            Op::Display
        };
        let map = |key: &str, value: String| Map::from_iter([(key.to_owned(), Value::from(value))]);
        self.sink.send(Event::Display(Display {
            op,
            data: map("text/plain", text),
            metadata: Map::new(),
            transient: map("display_id", self.id.clone()),
        }));
        self.shown = Some(Instant::now());
        self.waiting = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn progress_is_one_display_whose_last_text_stays() {
        let (sender, events) = channel();
        let sink = Output::share(Box::new(move |event| sender.send(event).unwrap())).0;
        let mut report = Report::new(&sink, 1);
        for text in ["compiling", "a", "b", "done"] {
            report.show(text.into());
        }
        report.end();
        let events: Vec<Event> = events.try_iter().collect();
        let display = |event: &Event| match event {
            Event::Display(display) => display.clone(),
            other => panic!("{other:?}"),
        };
        let first = display(&events[0]);
        assert_eq!(
            (first.op, &first.data["text/plain"]),
            (Op::Display, &"compiling".into())
        );
        let last = display(events.last().unwrap());
        assert_eq!(
            (last.op, &last.data["text/plain"]),
            (Op::Update, &"done".into())
        );
        assert_eq!(first.transient, last.transient);
    }
}
