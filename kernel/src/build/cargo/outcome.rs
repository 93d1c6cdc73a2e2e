//! Outcomes of compilations, kept in the seed: every start compiles the engine's first evaluation and
//! the prelude.

use super::places::Places;
use super::process::KILLED;
use crate::home;
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

impl OutcomeFile {
    /// The files for a source and everything else that the outcome depends on; `None` outside a
    /// session.
    pub(super) fn new(inputs: &[String]) -> Option<OutcomeFile> {
        let seed = Places::of_this_process()?.folder("seed")?;
        Some(OutcomeFile::in_seed(&seed, inputs))
    }

    fn in_seed(seed: &Path, inputs: &[String]) -> OutcomeFile {
        let digest = Sha256::digest(inputs.join("\0"));
        OutcomeFile {
            path: seed.join(FOLDER).join(home::hex(&digest)),
            is_recording: !seed.join("ready").exists(),
        }
    }

    /// The recorded outcome, after the library is in place.
    pub(super) fn find(&self, library: &Path) -> Option<Outcome> {
        if self.is_recording {
            return None;
        }
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

    /// Records an outcome while the seed is being built. Errors are ignored: a start then compiles
    /// again.
    pub(super) fn record(&self, outcome: &Outcome, library: &Path) {
        if !self.is_recording {
            return;
        }
        let _ = self.path.parent().map(home::create_folder);
        let compiled = self.path.with_extension("so");
        if outcome.is_success() && std::fs::copy(library, compiled).is_err() {
            return;
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
    fn an_outcome_is_found_once_the_seed_is_ready() {
        let folder = tempfile::tempdir().unwrap();
        let (seed, library) = (folder.path().join("seed"), folder.path().join("l.so"));
        std::fs::create_dir(&seed).unwrap();
        let file = |source: &str| OutcomeFile::in_seed(&seed, &[source.to_owned()]);
        let outcome = |code| Outcome {
            code,
            messages: "said".to_owned(),
        };
        std::fs::write(&library, "compiled").unwrap();
        file("a").record(&outcome(0), &library);
        file("b").record(&outcome(1), &library);
        assert_eq!(file("a").find(&library), None);
        std::fs::write(seed.join("ready"), "").unwrap();
        std::fs::write(&library, "older").unwrap();
        assert_eq!(file("b").find(&library), Some(outcome(1)));
        assert_eq!(std::fs::read(&library).unwrap(), b"older");
        assert_eq!(file("a").find(&library), Some(outcome(0)));
        assert_eq!(std::fs::read(&library).unwrap(), b"compiled");
        file("c").record(&outcome(0), &library);
        assert_eq!(file("c").find(&library), None);
    }
}
