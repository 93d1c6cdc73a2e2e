//! The front end that reads our standard output.

use std::sync::OnceLock;

/// The front end that reads our standard output.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Frontend {
    /// The Candlebook kernel, which can replace outputs in place.
    Candlebook,
    /// A stock evcxr kernel.
    Evcxr,
    /// A terminal or a file.
    Terminal,
}

impl Frontend {
    /// Detects the front end from the environment.
    pub(crate) fn current() -> Self {
        if std::env::var_os("CANDLEBOOK_KERNEL").is_some() {
            Frontend::Candlebook
        } else if std::env::var_os("EVCXR_IS_RUNTIME").is_some() {
            Frontend::Evcxr
        } else {
            Frontend::Terminal
        }
    }
}

/// The kernel's token, by which it tells our lines from text that a cell prints. Empty outside it.
pub(crate) fn token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| std::env::var("CANDLEBOOK_TOKEN").unwrap_or_default())
}
