//! Recorded answers of cargo, kept in the seed.

use super::places::Places;
use super::variables::{ANSWERS, SESSION};
use crate::home;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Start of the line of a session's Cargo.toml that sets the optimization level.
const LEVEL: &str = "opt-level = ";
/// The level in all recordings; a command of another level follows from it.
pub(super) const RECORDED_LEVEL: &str = "2";

/// Cargo's standard output and exit code.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) text: Vec<u8>,
    pub(crate) code: u8,
}

impl Answer {
    /// Success without output.
    pub(crate) fn empty() -> Answer {
        Answer {
            text: Vec::new(),
            code: 0,
        }
    }
}

/// The file for the answer to one call. Its name is a hash of the call and of the session's
/// Cargo.toml. In both and in its text, placeholders replace the folders of this machine.
pub(crate) struct AnswerFile {
    pub(crate) path: PathBuf,
    pub(crate) places: Places,
}

impl AnswerFile {
    /// The file for a call in the current folder; `None` outside a session.
    pub(crate) fn new(call: &[String]) -> Option<AnswerFile> {
        let session = std::env::var(SESSION).ok()?;
        let manifest =
            std::fs::read_to_string(Path::new(&session).join("Cargo.toml")).unwrap_or_default();
        AnswerFile::with_manifest(call, &manifest)
    }

    /// The file for a call that depends on a part of the session's Cargo.toml. No answer depends on the
    /// optimization level.
    pub(crate) fn with_manifest(call: &[String], manifest: &str) -> Option<AnswerFile> {
        let folder = PathBuf::from(std::env::var_os(ANSWERS)?);
        let places = Places::of_this_process()?;
        let current = std::env::current_dir().ok()?.to_str()?.to_owned();
        let manifest = normalized(manifest).1;
        let call = [call.join("\0"), current, manifest].join("\0");
        let digest = Sha256::digest(places.generalized(&call));
        Some(AnswerFile {
            path: folder.join(home::hex(&digest)),
            places,
        })
    }

    /// The text, for this session and machine.
    pub(crate) fn read(&self) -> Option<String> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        Some(self.places.specialized(&text))
    }

    /// Writes the text for all sessions and machines. Errors are ignored: the next call asks cargo again.
    pub(crate) fn write(&self, text: &str) {
        let _ = self.path.parent().map(home::create_folder);
        let text = self.places.generalized(text);
        let _ = home::write_atomically(&self.path, text.as_bytes());
    }

    /// True while the seed is being built. Calls of later sessions are not recorded, because they
    /// may concern crates that the user added.
    pub(crate) fn is_recording(&self) -> bool {
        self.path
            .parent()
            .and_then(Path::parent)
            .is_some_and(|seed| !seed.join("ready").exists())
    }

    /// The recorded answer.
    pub(crate) fn find(&self) -> Option<Answer> {
        let text = self.read()?;
        let (code, text) = text.split_once('\n')?;
        Some(Answer {
            text: text.as_bytes().to_vec(),
            code: code.parse().ok()?,
        })
    }

    /// Records an answer while the seed is being built.
    ///
    /// A failure without output is recorded too: it is a request that this toolchain never
    /// supports. Metadata that failed is requested again.
    pub(crate) fn record(&self, answer: &Answer) {
        let reusable = answer.code == 0 || answer.text.is_empty();
        if let (true, true, Ok(text)) = (
            reusable,
            self.is_recording(),
            std::str::from_utf8(&answer.text),
        ) {
            self.write(&format!("{}\n{text}", answer.code));
        }
    }
}

/// The optimization level in a session's Cargo.toml, and its text with the recorded level.
pub(super) fn normalized(manifest: &str) -> (String, String) {
    let mut levels = manifest.lines().filter_map(|line| line.strip_prefix(LEVEL));
    let level = levels.next_back().unwrap_or(RECORDED_LEVEL);
    let line = |level: &str| format!("\n{LEVEL}{level}\n");
    let text = manifest.replace(&line(level), &line(RECORDED_LEVEL));
    (level.trim_matches('"').to_owned(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_record_serves_all_optimization_levels() {
        let manifest = |level: &str| format!("[profile.dev]\nopt-level = {level}\ndebug = false\n");
        assert_eq!(normalized(&manifest("0")), ("0".to_owned(), manifest("2")));
        assert_eq!(
            normalized(&manifest("\"s\"")),
            ("s".to_owned(), manifest("2"))
        );
    }

    #[test]
    fn answers_recorded_during_the_build_are_found_by_other_sessions() {
        let seed = tempfile::tempdir().unwrap();
        let file = |session: &str| AnswerFile {
            path: seed.path().join("answers/call"),
            places: Places::new([("session", Some(session.into()))]),
        };
        let answer = |text: &str, code| Answer {
            text: text.as_bytes().to_vec(),
            code,
        };
        file("/sessions/1").record(&answer("in /sessions/1/target", 101));
        assert_eq!(file("/sessions/1").find(), None);
        file("/sessions/1").record(&answer("in /sessions/1/target", 0));
        std::fs::write(seed.path().join("ready"), "").unwrap();
        let expected = answer("in /sessions/2/target", 0);
        assert_eq!(file("/sessions/2").find(), Some(expected));
        file("/sessions/2").record(&answer("too late", 0));
        let expected = answer("in /sessions/3/target", 0);
        assert_eq!(file("/sessions/3").find(), Some(expected));
    }
}
