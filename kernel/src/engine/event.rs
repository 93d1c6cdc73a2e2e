//! Output of a cell while it runs.

use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, PoisonError};

/// One piece of a cell's output.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// Text on standard output, sent as soon as it is written, not by lines.
    Stdout(String),
    /// Text on standard error.
    Stderr(String),
    /// A display of the helper crate.
    Display(Display),
}

impl Event {
    /// The approximate size of the event's content, in bytes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Event::Stdout(text) | Event::Stderr(text) => text.len(),
            Event::Display(display) => display.data.values().map(size_of_json).sum(),
        }
    }
}

fn size_of_json(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(size_of_json).sum(),
        Value::Object(fields) => fields.values().map(size_of_json).sum(),
        _ => size_of::<Value>(),
    }
}

/// A display message: shows a value, updates an earlier display, or clears the cell's output.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub(crate) struct Display {
    pub(crate) op: Op,
    #[serde(default)]
    pub(crate) data: Map<String, Value>,
    #[serde(default)]
    pub(crate) metadata: Map<String, Value>,
    #[serde(default)]
    pub(crate) transient: Map<String, Value>,
}

/// The operation of a display message.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Op {
    Display,
    Update,
    Clear,
}

/// Receives the events of cells, on the relay's thread.
pub(crate) type Sink = Box<dyn FnMut(Event) + Send>;

/// A sink of several threads: the relay's, and the one that compiles.
#[derive(Clone)]
pub(super) struct SharedSink(Arc<Mutex<Sink>>);

impl SharedSink {
    pub(super) fn new(sink: Sink) -> SharedSink {
        SharedSink(Arc::new(Mutex::new(sink)))
    }

    pub(super) fn send(&self, event: Event) {
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sink(event);
    }

    /// A sink that passes its events on to this one.
    pub(super) fn sink(&self) -> Sink {
        let shared = self.clone();
        Box::new(move |event| shared.send(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_an_event_is_that_of_its_texts() {
        assert_eq!(Event::Stdout("abc".into()).size(), 3);
        let json = r#"{"op": "display", "data": {"image/png": "abcd", "a": {"b": ["ef"]}}}"#;
        let display: Display = serde_json::from_str(json).unwrap();
        assert_eq!(Event::Display(display).size(), 6);
    }
}
