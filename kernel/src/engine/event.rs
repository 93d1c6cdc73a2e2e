//! Output of a cell while it runs.

use serde_json::{Map, Value};

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
