//! Compilation of a cell's source, rewritten.

use super::outcome::Outcome;
use super::process::{KILLED, signal_message};
use super::variables::{SESSION, TOKEN};
use crate::build::source::{CellSource, Verdict, engine_source_file, statics_file};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Most compilations of a cell's rewritten source.
const MAX_ATTEMPTS: usize = 3;

/// Compiles a cell: its rewritten source, or if that fails, the engine's.
pub(super) fn compile_cell(rustc: impl Fn() -> Command) -> Outcome {
    let Some(mut file) = SourceFile::open() else {
        return run(rustc());
    };
    for _ in 0..MAX_ATTEMPTS {
        let Some(rewritten) = file.source.rewritten() else {
            break;
        };
        if !file.write(&rewritten.text) {
            break;
        }
        let outcome = run(rustc());
        let verdict = if outcome.is_success() || outcome.messages.contains(KILLED) {
            Verdict::Final
        } else {
            file.source.judge(&rewritten, &outcome.messages)
        };
        match verdict {
            Verdict::Again => {}
            Verdict::Final => {
                return Outcome {
                    messages: rewritten.translated(&outcome.messages),
                    ..outcome
                };
            }
            Verdict::Doubtful => break,
        }
    }
    file.write(&file.source.text);
    run(rustc())
}

/// Runs the compiler to its end.
fn run(mut rustc: Command) -> Outcome {
    match rustc.stderr(Stdio::piped()).output() {
        Ok(output) => Outcome {
            code: output.status.code().unwrap_or(1) as u8,
            messages: String::from_utf8_lossy(&output.stderr).into_owned()
                + &signal_message(&rustc, output.status).unwrap_or_default(),
        },
        Err(error) => Outcome {
            code: 1,
            messages: format!(
                "candlebook: cannot run {}: {error}\n",
                rustc.get_program().to_string_lossy()
            ),
        },
    }
}

/// The session's source file.
struct SourceFile {
    path: PathBuf,
    source: CellSource,
}

impl SourceFile {
    /// Reads the file; `None` outside a session of our engine.
    fn open() -> Option<SourceFile> {
        std::env::var_os(TOKEN)?;
        let session = std::env::var_os(SESSION)?;
        let path = PathBuf::from(&session).join("src/lib.rs");
        let text = std::fs::read_to_string(&path).ok()?;
        let statics =
            std::fs::read_to_string(statics_file(Path::new(&session))).unwrap_or_default();
        let loaded = statics.lines().map(str::to_owned).collect();
        // For the places of errors. Without it, messages lack them.
        let _ = std::fs::write(engine_source_file(Path::new(&session)), &text);
        Some(SourceFile {
            path,
            source: CellSource::new(&text, loaded),
        })
    }

    fn write(&self, text: &str) -> bool {
        let written = std::fs::write(&self.path, text);
        if let Err(error) = &written {
            eprintln!("candlebook: cannot write {}: {error}", self.path.display());
        }
        written.is_ok()
    }
}
