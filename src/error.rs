//! The error type of the crate. Messages say what was expected, what came and what to do.

use std::path::{Path, PathBuf};

/// Result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Any error of this crate.
///
/// `Debug` prints the same sentence as `Display`, because a failing cell shows `Debug`.
///
/// # Examples
/// `?` converts candle's errors.
/// ```
/// use candlebook::prelude::*;
/// fn square(x: &Tensor) -> Result<Tensor, Error> {
///     Ok(x.matmul(x)?)
/// }
/// let x = Tensor::zeros((2, 3), DType::F32, &Device::Cpu)?;
/// assert!(matches!(square(&x), Err(Error::Candle(_))));
/// # Ok::<(), Error>(())
/// ```
#[derive(thiserror::Error)]
pub enum Error {
    /// A setting is outside its range.
    #[error("{name}: expected {expected}, got {got}. {hint}")]
    Setting {
        /// Name of the setting, as written in code.
        name: String,
        /// The allowed range.
        expected: String,
        /// The rejected value.
        got: String,
        /// A way to fix it.
        hint: String,
    },
    /// A layer does not fit its input, or a list of layers does not fit the model. Found when a
    /// model is made.
    #[error("{place}: expected {expected}, got {got}. {hint}")]
    Layer {
        /// List, number and name of the layer.
        place: String,
        /// Requirement of the layer.
        expected: String,
        /// Output of the layer before it.
        got: String,
        /// A way to fix it.
        hint: String,
    },
    /// A tensor has the wrong shape, type or values.
    #[error("{argument}: expected {expected}, got {got}. {hint}")]
    Shape {
        /// Name of the argument.
        argument: String,
        /// The required shape or type.
        expected: String,
        /// The tensor's shape or type.
        got: String,
        /// A way to fix it.
        hint: String,
    },
    /// A file has unexpected contents.
    #[error("{}: expected {expected}, got {got}. {hint}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Expected contents.
        expected: String,
        /// Actual contents.
        got: String,
        /// A way to fix it.
        hint: String,
    },
    /// A file or folder cannot be read or written.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// "read", "write", "create", ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// No mirror delivered a file.
    #[error("{file}: expected a download from one of {tried} mirrors, got: {last}. {hint}")]
    Download {
        /// Name of the file.
        file: String,
        /// Number of mirrors tried.
        tried: usize,
        /// Error of the last mirror.
        last: String,
        /// A way to fix it.
        hint: String,
    },
    /// The loss became NaN or infinite. The model keeps the weights of the last good epoch.
    #[error(
        "training diverged: expected a finite loss, got {loss} in epoch {epoch}, batch {batch}. \
         The weights are those of the end of epoch {kept}. Try a learning rate below {learning_rate}"
    )]
    Diverged {
        /// Epoch, counted from 1.
        epoch: usize,
        /// Batch in the epoch, counted from 1.
        batch: usize,
        /// The loss: NaN or infinite.
        loss: f32,
        /// Epoch whose weights the model has now; 0 for the weights before training.
        kept: usize,
        /// The learning rate in use.
        learning_rate: f64,
    },
    /// A job of several ranks has failed, in its words. The model has the weights of the last checkpoint
    /// that the job has written.
    #[error("{0}")]
    Job(String),
    /// Stop was pressed during an operation without a partial result. Nothing has changed.
    #[error("stopped")]
    Stopped,
    /// An error of candle, in one line.
    #[error("candle: {0}")]
    Candle(String),
    /// An error of the chart library.
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
        // Candle appends a backtrace if RUST_BACKTRACE is set. The first line is the message.
        let text = error.to_string();
        Error::Candle(text.lines().next().unwrap_or("unknown error").to_owned())
    }
}

impl Error {
    /// For `map_err`: adds the action and the file to an I/O error.
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
        argument: impl Into<String>,
        expected: impl Into<String>,
        got: impl ToString,
        hint: impl Into<String>,
    ) -> Error {
        Error::Shape {
            argument: argument.into(),
            expected: expected.into(),
            got: got.to_string(),
            hint: hint.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_was_expected_what_came_and_what_to_do() {
        let setting = Error::setting("dropout", "a probability in [0, 1)", 1.5, "0.2 is usual");
        let expected = "dropout: expected a probability in [0, 1), got 1.5. 0.2 is usual";
        assert_eq!(setting.to_string(), expected);
        assert_eq!(format!("{setting:?}"), expected);
        let file = Error::file(Path::new("a/b.npy"), "an array", "text", "Save it again");
        assert_eq!(
            file.to_string(),
            "a/b.npy: expected an array, got text. Save it again"
        );
        let io = Error::io("read", Path::new("a"))(std::io::ErrorKind::NotFound.into());
        assert_eq!(io.to_string(), "a: cannot read: entity not found");
    }

    #[test]
    fn candle_errors_become_one_line() {
        let error = candle_core::Error::Msg("shapes differ\n   0: backtrace".into());
        assert_eq!(Error::from(error).to_string(), "candle: shapes differ");
    }
}
