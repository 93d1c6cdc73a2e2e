//! Recorded answers of cargo, kept in the seed.

use super::variables::{ANSWERS, SESSION};
use crate::home;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

const PLACEHOLDER: &str = "{candlebook-session}";
/// Stands for the folder as JSON writes it, with quotes escaped.
const JSON_PLACEHOLDER: &str = "{candlebook-session-in-json}";

/// Cargo's standard output and exit code.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) text: Vec<u8>,
    pub(crate) code: u8,
}

/// The file for the answer to one call. Its name is a hash of the call and of the session's
/// Cargo.toml; in its text, a placeholder replaces the session's folder.
pub(crate) struct AnswerFile {
    pub(crate) path: PathBuf,
    pub(crate) session: String,
}

impl AnswerFile {
    /// The file for a call in the current folder; `None` outside a session.
    pub(crate) fn new(call: &[String]) -> Option<AnswerFile> {
        let session = std::env::var(SESSION).ok()?;
        let manifest =
            std::fs::read_to_string(Path::new(&session).join("Cargo.toml")).unwrap_or_default();
        AnswerFile::with_manifest(call, &manifest)
    }

    /// The file for a call that depends on a part of the session's Cargo.toml.
    pub(crate) fn with_manifest(call: &[String], manifest: &str) -> Option<AnswerFile> {
        let folder = PathBuf::from(std::env::var_os(ANSWERS)?);
        let session = std::env::var(SESSION).ok()?;
        let current = std::env::current_dir().ok()?.to_str()?.to_owned();
        let call = [call.join("\0"), current, manifest.to_owned()]
            .join("\0")
            .replace(&session, PLACEHOLDER);
        Some(AnswerFile {
            path: folder.join(home::hex(&Sha256::digest(call))),
            session,
        })
    }

    /// The text, for this session.
    pub(crate) fn read(&self) -> Option<String> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        Some(with_session(&text, &self.session))
    }

    /// Writes the text for all sessions. Errors are ignored: the next call asks cargo again.
    pub(crate) fn write(&self, text: &str) {
        let _ = self.path.parent().map(home::create_folder);
        let text = without_session(text, &self.session);
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

fn without_session(text: &str, session: &str) -> String {
    text.replace(&in_json(session), JSON_PLACEHOLDER)
        .replace(session, PLACEHOLDER)
}

fn with_session(text: &str, session: &str) -> String {
    text.replace(JSON_PLACEHOLDER, &in_json(session))
        .replace(PLACEHOLDER, session)
}

/// A path as it is in a JSON string.
fn in_json(path: &str) -> String {
    let quoted = serde_json::Value::from(path).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_for_another_session_names_it_also_in_json() {
        let (seed, session) = ("/a \"b\"/seed", "/a \"b\"/7-0");
        let text = "/a \"b\"/seed/x {\"path\": \"/a \\\"b\\\"/seed/y\"}";
        let read = with_session(&without_session(text, seed), session);
        assert_eq!(read, "/a \"b\"/7-0/x {\"path\": \"/a \\\"b\\\"/7-0/y\"}");
        let plain = without_session("/seed/x \"/seed\"", "/seed");
        assert_eq!(with_session(&plain, "/7-0"), "/7-0/x \"/7-0\"");
    }

    #[test]
    fn answers_recorded_during_the_build_are_found_by_other_sessions() {
        let seed = tempfile::tempdir().unwrap();
        let file = |session: &str| AnswerFile {
            path: seed.path().join("answers/call"),
            session: session.into(),
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
