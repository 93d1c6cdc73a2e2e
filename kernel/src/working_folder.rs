//! The folders in which this program and the cells work.
//!
//! Jupyter starts a kernel in the notebook's folder, whose files come from anyone. Engine, compiler
//! and loader would obey some of them (`evcxr.toml`, `rust-toolchain.toml`, a library of a common
//! name), so the kernel moves to its session; only cells and shell lines return.

use anyhow::{Context, Result};
use rustix::fs::Mode;
use rustix::process::umask;
use std::path::{Path, PathBuf};

/// Variable with the notebook's folder.
const FOLDER: &str = "CANDLEBOOK_FOLDER";
/// Variable with the user's file mode mask, as an octal number.
const FILE_MASK: &str = "CANDLEBOOK_FILE_MASK";
/// Mask by which only the user can read new files.
const PRIVATE: u32 = 0o077;

/// Leaves the notebook's folder for the session's.
///
/// # Safety
/// No other thread may run.
///
/// # Errors
/// If the session's folder cannot be entered.
#[allow(unsafe_code)]
pub(crate) unsafe fn leave_notebook_folder(session: &Path) -> Result<()> {
    let (name, notebook) = notebook_variable(session);
    std::env::set_current_dir(session)
        .with_context(|| format!("cannot enter {}", session.display()))?;
    // SAFETY: the caller promises that no other thread runs.
    unsafe { std::env::set_var(name, notebook) };
    Ok(())
}

/// The variable and value of the notebook's folder, which is the current one. If it was removed, the
/// session's. A variable that is set already is another kernel's, one of whose shell lines started
/// this program.
pub(crate) fn notebook_variable(session: &Path) -> (&'static str, PathBuf) {
    let current = std::env::current_dir();
    (FOLDER, current.unwrap_or_else(|_| session.to_owned()))
}

/// The notebook's folder, after the kernel has left it.
pub(crate) fn notebook_folder(session: &Path) -> PathBuf {
    std::env::var_os(FOLDER).map_or_else(|| session.to_owned(), PathBuf::from)
}

/// Makes files that this process creates readable for the user alone: sockets, history, sessions.
///
/// # Safety
/// No other thread may run.
#[allow(unsafe_code)]
pub(crate) unsafe fn keep_files_private() {
    let user = umask(Mode::from_raw_mode(PRIVATE));
    // SAFETY: the caller promises that no other thread runs.
    unsafe { std::env::set_var(FILE_MASK, format!("{:o}", user.as_raw_mode())) };
}

/// Enters the notebook's folder, with the user's file mode mask, for cells and shell lines.
pub(crate) fn enter_notebook_folder() {
    if let Some(folder) = std::env::var_os(FOLDER)
        && let Err(error) = std::env::set_current_dir(&folder)
    {
        eprintln!(
            "candlebook: cannot enter the notebook's folder {}: {error}. Relative paths do not work",
            folder.to_string_lossy()
        );
    }
    let mask = std::env::var(FILE_MASK).unwrap_or_default();
    if let Ok(mask) = u32::from_str_radix(&mask, 8) {
        umask(Mode::from_raw_mode(mask));
    }
}
