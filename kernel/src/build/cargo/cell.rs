//! Compilation of a cell's source, rewritten.

use super::process::{finish, report_signal};
use super::variables::{SESSION, TOKEN};
use crate::build::source::{CellSource, Verdict, engine_source_file, statics_file};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Most compilations of a cell's rewritten source.
const MAX_ATTEMPTS: usize = 3;

/// Compiles a cell: its rewritten source, or if that fails, the engine's.
pub(super) fn compile_cell(rustc: impl Fn() -> Command) -> ExitCode {
    let Some(mut file) = SourceFile::open() else {
        return finish(rustc());
    };
    for _ in 0..MAX_ATTEMPTS {
        let Some(rewritten) = file.source.rewritten() else {
            break;
        };
        if !file.write(&rewritten.text) {
            break;
        }
        let output = match rustc()
            .stderr(Stdio::piped())
            .stdout(Stdio::inherit())
            .output()
        {
            Ok(output) => output,
            Err(_) => break,
        };
        let messages = String::from_utf8_lossy(&output.stderr);
        let verdict = if output.status.success() || report_signal(&rustc(), output.status) {
            Verdict::Final
        } else {
            file.source.judge(&rewritten, &messages)
        };
        match verdict {
            Verdict::Again => {}
            Verdict::Final => {
                eprint!("{}", rewritten.translated(&messages));
                return ExitCode::from(output.status.code().unwrap_or(1) as u8);
            }
            Verdict::Doubtful => break,
        }
    }
    file.write(&file.source.text);
    finish(rustc())
}

/// The session's source file.
struct SourceFile {
    path: PathBuf,
    source: CellSource,
}

impl SourceFile {
    /// Reads the file; `None` outside a session of our engine.
    fn open() -> Option<SourceFile> {
        let token = std::env::var(TOKEN).ok()?;
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
            source: CellSource::new(&text, &token, loaded),
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
