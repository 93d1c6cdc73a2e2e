//! One error type for everything, whose messages say what was expected, what came and what to do.

use std::path::{Path, PathBuf};

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong. `Debug` prints as `Display`, so that a failing cell shows the sentence, not the struct.
#[derive(thiserror::Error)]
pub enum Error {
    /// A setting is outside its range.
    #[error("{name}: expected {expected}, got {got}. {hint}")]
    Setting {
        /// The setting, as written in code.
        name: String,
        /// The allowed range.
        expected: String,
        /// The value that came.
        got: String,
        /// What to do.
        hint: String,
    },
    /// A layer does not fit where it stands, found before any training.
    #[error("{place}: expected {expected}, got {got}. {hint}")]
    Layer {
        /// Which list, which position, which layer.
        place: String,
        /// What the layer needs.
        expected: String,
        /// What it was given.
        got: String,
        /// What to do.
        hint: String,
    },
    /// A tensor has the wrong shape or type.
    #[error("{what}: expected {expected}, got {got}. {hint}")]
    Shape {
        /// Which argument of which function.
        what: String,
        /// The shape needed.
        expected: String,
        /// The shape that came.
        got: String,
        /// What to do.
        hint: String,
    },
    /// A file does not hold what it should: data, weights or a notebook.
    #[error("{}: expected {expected}, got {got}. {hint}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: String,
        /// What it holds.
        got: String,
        /// What to do.
        hint: String,
    },
    /// A file or folder cannot be read or written.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// What was tried: "read", "write", ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file could not be fetched from any of its mirrors.
    #[error("{file}: expected a download from one of {tried} mirrors, got: {last}. {hint}")]
    Download {
        /// The file's name.
        file: String,
        /// How many mirrors were tried.
        tried: usize,
        /// The last mirror's answer.
        last: String,
        /// What to do.
        hint: String,
    },
    /// The loss stopped being a finite number. The model keeps the weights of the last good epoch.
    #[error(
        "training diverged: expected a finite loss, got {loss} in epoch {epoch}, batch {batch}. The weights are those of \
         the end of epoch {kept}. Try a learning rate below {learning_rate}"
    )]
    Diverged {
        /// Epoch, counted from 1.
        epoch: usize,
        /// Batch in the epoch, counted from 1.
        batch: usize,
        /// The loss: NaN or infinite.
        loss: f32,
        /// The epoch whose weights were kept; 0 stands for the weights before training.
        kept: usize,
        /// The learning rate in use.
        learning_rate: f64,
    },
    /// Stop was pressed while something ran that has no part to hand back. Nothing was changed.
    #[error("stopped")]
    Stopped,
    /// An error of candle's, as one line.
    #[error("candle: {0}")]
    Candle(String),
    /// An error of the chart library's.
    #[error("plot: {0}")]
    Plot(String),
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        // Candle appends a backtrace to its message where RUST_BACKTRACE is set: users need the first line.
        let text = error.to_string();
        Error::Candle(text.lines().next().unwrap_or("unknown error").to_owned())
    }
}

impl Error {
    /// A function for `map_err` that turns an I/O error into one that names the file.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    }

    pub(crate) fn setting(
        name: impl Into<String>,
        expected: impl Into<String>,
        got: impl ToString,
        hint: impl Into<String>,
    ) -> Error {
        Error::Setting {
            name: name.into(),
            expected: expected.into(),
            got: got.to_string(),
            hint: hint.into(),
        }
    }

    pub(crate) fn file(
        path: &Path,
        expected: impl Into<String>,
        got: impl ToString,
        hint: impl Into<String>,
    ) -> Error {
        Error::File {
            path: path.to_owned(),
            expected: expected.into(),
            got: got.to_string(),
            hint: hint.into(),
        }
    }

    pub(crate) fn shape(
        what: impl Into<String>,
        expected: impl Into<String>,
        got: impl ToString,
        hint: impl Into<String>,
    ) -> Error {
        Error::Shape {
            what: what.into(),
            expected: expected.into(),
            got: got.to_string(),
            hint: hint.into(),
        }
    }
}
