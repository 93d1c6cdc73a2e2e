//! Outcomes of the compilations of a start, kept in the seed: the engine's first evaluation and the
//! prelude are the same each time. The first start on a machine records them. A shipped seed has none, because
//! its libraries would be linked to another machine's.

use super::places::Places;
use super::process::KILLED;
use crate::build::environment::SHIM_FOLDER;
use crate::home;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The folder in a seed.
const FOLDER: &str = "compiled";

/// The end of a compilation.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Outcome {
    pub(super) code: u8,
    /// The compiler's messages.
    pub(super) messages: String,
}

impl Outcome {
    /// Passes the messages on.
    pub(super) fn report(&self) -> ExitCode {
        eprint!("{}", self.messages);
        ExitCode::from(self.code)
    }

    /// The outcome with a killed compiler in the compiler's format: of a check, the engine reads nothing
    /// else.
    pub(super) fn into_diagnostics(mut self) -> Outcome {
        let killed = self.messages.lines().find(|line| line.contains(KILLED));
        if let Some(killed) = killed {
            let killed =
                json!({ "message": killed, "level": "error", "spans": [], "children": [] });
            self.messages += &format!("{killed}\n");
        }
        self
    }

    pub(super) fn is_success(&self) -> bool {
        self.code == 0
    }
}

/// The files of one compilation in a seed.
pub(super) struct OutcomeFile {
    path: PathBuf,
    is_recording: bool,
}

/// The file that a session has in its shim's folder while it starts.
const STARTING: &str = "starting";

/// Marks that a session starts.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn begin_start(session: &Path) -> Result<()> {
    let marker = session.join(SHIM_FOLDER).join(STARTING);
    std::fs::write(&marker, "").with_context(|| format!("cannot write {}", marker.display()))
}

/// Marks that a session has started: what users' cells compile is not recorded.
pub(crate) fn end_start(session: &Path) {
    let _ = std::fs::remove_file(session.join(SHIM_FOLDER).join(STARTING));
}

impl OutcomeFile {
    /// The files for a source and everything else that the outcome depends on; `None` outside a
    /// session.
    pub(super) fn new(inputs: &[String]) -> Option<OutcomeFile> {
        let places = Places::of_this_process()?;
        let (seed, session) = (places.folder("seed")?, places.folder("session")?);
        Some(OutcomeFile::in_seed(&seed, &session, inputs))
    }

    fn in_seed(seed: &Path, session: &Path, inputs: &[String]) -> OutcomeFile {
        let digest = Sha256::digest(inputs.join("\0"));
        OutcomeFile {
            path: seed.join(FOLDER).join(home::hex(&digest)),
            is_recording: session.join(SHIM_FOLDER).join(STARTING).exists(),
        }
    }

    /// True while the session starts.
    pub(super) fn is_recording(&self) -> bool {
        self.is_recording
    }

    /// The recorded outcome, after the library is in place.
    pub(super) fn find(&self, library: &Path) -> Option<Outcome> {
        let text = std::fs::read_to_string(self.path.with_extension("json")).ok()?;
        let outcome: Outcome = serde_json::from_str(&text).ok()?;
        if outcome.is_success() {
            let compiled = self.path.with_extension("so");
            let _ = std::fs::remove_file(library);
            std::fs::hard_link(&compiled, library)
                .or_else(|_| std::fs::copy(&compiled, library).map(|_| ()))
                .ok()?;
        }
        Some(outcome)
    }

    /// Records an outcome while the session starts, unless the compiler was killed. Errors are ignored:
    /// the next start then compiles again.
    pub(super) fn record(&self, outcome: &Outcome, library: &Path) {
        if !self.is_recording || outcome.messages.contains(KILLED) {
            return;
        }
        let _ = self.path.parent().map(home::create_folder);
        if outcome.is_success() {
            let compiled = self.path.with_extension("so");
            let Ok(bytes) = std::fs::read(library) else {
                return;
            };
            if home::write_atomically(&compiled, &bytes).is_err() {
                return;
            }
        }
        if let Ok(text) = serde_json::to_string(outcome) {
            let _ = home::write_atomically(&self.path.with_extension("json"), text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_compiler_is_a_diagnostic() {
        let outcome = |messages: &str| Outcome {
            code: 1,
            messages: messages.to_owned(),
        };
        let killed = outcome("error: rustc was ended by signal 9\n").into_diagnostics();
        let last = killed.messages.lines().next_back().unwrap();
        let json: serde_json::Value = serde_json::from_str(last).unwrap();
        assert_eq!(json["message"], "error: rustc was ended by signal 9");
        assert_eq!(outcome("{}\n").into_diagnostics(), outcome("{}\n"));
    }

    #[test]
    fn the_compilations_of_a_start_are_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let (seed, session) = (folder.path().join("seed"), folder.path().join("session"));
        let library = folder.path().join("l.so");
        std::fs::create_dir_all(session.join(SHIM_FOLDER)).unwrap();
        let file = |source: &str| OutcomeFile::in_seed(&seed, &session, &[source.to_owned()]);
        let outcome = |code| Outcome {
            code,
            messages: "said".to_owned(),
        };
        std::fs::write(&library, "compiled").unwrap();
        assert_eq!(file("a").find(&library), None);
        begin_start(&session).unwrap();
        file("a").record(&outcome(0), &library);
        file("b").record(&outcome(1), &library);
        end_start(&session);
        std::fs::write(&library, "older").unwrap();
        assert_eq!(file("b").find(&library), Some(outcome(1)));
        assert_eq!(std::fs::read(&library).unwrap(), b"older");
        assert_eq!(file("a").find(&library), Some(outcome(0)));
        assert_eq!(std::fs::read(&library).unwrap(), b"compiled");
        file("c").record(&outcome(0), &library);
        assert_eq!(file("c").find(&library), None);
    }
}
