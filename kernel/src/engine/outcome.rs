//! The result of a cell.

use serde_json::{Map, Value};

/// The result of a cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Success, with the last expression's content by MIME type, unless the helper displayed it.
    Ok(Map<String, Value>),
    /// Failure.
    Error(CellError),
}

impl Outcome {
    /// Converts to a `Result`, for callers that propagate the error.
    pub(crate) fn into_result(self) -> std::result::Result<Map<String, Value>, CellError> {
        match self {
            Outcome::Ok(data) => Ok(data),
            Outcome::Error(error) => Err(error),
        }
    }
}

/// A cell's failure, in the parts of Jupyter's error message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CellError {
    /// The kind: `CompileError`, `Error` for a `?`, `Panic`, `Died`.
    pub(crate) name: String,
    /// The message, one or a few lines.
    pub(crate) value: String,
    /// The text for display, with ANSI colors.
    pub(crate) traceback: Vec<String>,
}

impl CellError {
    /// An error whose message is one sentence.
    pub(crate) fn new(name: &str, value: impl Into<String>) -> CellError {
        let value = value.into();
        CellError {
            name: name.into(),
            traceback: vec![format!("\x1b[31m{name}\x1b[0m: {value}")],
            value,
        }
    }
}

impl std::fmt::Display for CellError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.value)
    }
}
