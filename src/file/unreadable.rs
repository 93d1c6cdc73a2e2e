//! [`Unreadable`]: the reason why an image file cannot be decoded.

use crate::error::Error;
use crate::file::limits::OverLimit;
use std::path::Path;

/// Every program that opens images writes these.
const SAVE_AGAIN: &str = "Save it again as an ordinary JPEG or as PNG";

/// The reason why an image file cannot be decoded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unreadable {
    /// It is larger than a limit.
    OverLimit(OverLimit),
    /// It is intact, but no decoder here reads its kind.
    Unsupported {
        /// The kind that is read.
        expected: &'static str,
        got: String,
    },
    /// It is damaged or no image, in words.
    Damaged(String),
}

impl Unreadable {
    /// The error for a file that should be `expected`; `hint` says what to do if it is damaged.
    pub(crate) fn of(self, path: &Path, expected: &str, hint: &str) -> Error {
        match self {
            Unreadable::OverLimit(over) => over.of(path),
            Unreadable::Unsupported { expected, got } => {
                Error::file(path, expected, got, SAVE_AGAIN)
            }
            Unreadable::Damaged(reason) => Error::file(path, expected, reason, hint),
        }
    }
}

impl From<OverLimit> for Unreadable {
    fn from(over: OverLimit) -> Self {
        Unreadable::OverLimit(over)
    }
}

impl From<String> for Unreadable {
    fn from(reason: String) -> Self {
        Unreadable::Damaged(reason)
    }
}

impl From<&str> for Unreadable {
    fn from(reason: &str) -> Self {
        Unreadable::Damaged(reason.to_owned())
    }
}

impl From<image::ImageError> for Unreadable {
    fn from(error: image::ImageError) -> Self {
        Unreadable::Damaged(match error {
            image::ImageError::Limits(_) => {
                "a frame or a color profile that takes more memory than any image may".into()
            }
            error => error.to_string(),
        })
    }
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unreadable::OverLimit(over) => over.fmt(f),
            Unreadable::Unsupported { expected, got } => {
                write!(f, "expected {expected}, got {got}. {SAVE_AGAIN}")
            }
            Unreadable::Damaged(reason) => f.write_str(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::limits::Limits;

    #[test]
    fn the_error_of_a_limit_has_its_own_hint() {
        let path = Path::new("a.png");
        let damaged = Unreadable::from("an empty file");
        assert_eq!(
            damaged.of(path, "an image", "Copy it again").to_string(),
            "a.png: expected an image, got an empty file. Copy it again"
        );
        let over = Limits::default().check_pixels(1 << 20, 1 << 20);
        let over = Unreadable::from(over.unwrap_err());
        let text = over.to_string();
        assert!(text.contains("raise the limit"), "{text}");
        let error = over.of(path, "an image", "Copy it again").to_string();
        assert_eq!(error, format!("a.png: {text}"));
    }
}
