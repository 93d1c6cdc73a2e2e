//! The sources that rust-analyzer reads, hidden until a name is looked up.
//!
//! The engine loads rust-analyzer before its first evaluation, for the types of variables. Here the
//! compiler tells those, so rust-analyzer first gets a project without dependencies and without a standard
//! library. Loading everything takes longer than all other stages of a start, and most of the kernel's
//! memory.

use super::variables::SESSION;
use crate::build::environment::SHIM_FOLDER;
use crate::home;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The standard library's folder in the shim's, which `RUST_SRC_PATH` names.
const LIBRARY: &str = "rust-src";
/// Without this package in it, rust-analyzer would look for another folder.
const PACKAGE: &str = "core";

/// The standard library's folder as rust-analyzer sees it.
pub(super) fn library(session: &Path) -> PathBuf {
    session.join(SHIM_FOLDER).join(LIBRARY)
}

/// Hides the sources from rust-analyzer in a new session.
///
/// # Errors
/// If the folder cannot be written.
pub(super) fn hide(session: &Path) -> Result<()> {
    let library = library(session);
    if std::fs::symlink_metadata(&library).is_ok_and(|it| it.is_symlink()) {
        std::fs::remove_file(&library)?;
    }
    home::create_folder(&library.join(PACKAGE))
}

/// Shows rust-analyzer the sources of dependencies and of the standard library, the next time that it
/// loads the project.
///
/// # Errors
/// If the folder cannot be written.
pub(crate) fn reveal(session: &Path, rust_src: &Path) -> Result<()> {
    let library = library(session);
    let _ = std::fs::remove_dir_all(&library);
    std::os::unix::fs::symlink(rust_src, &library)
        .with_context(|| format!("cannot link {}", library.display()))
}

/// True if this call asks for the dependencies of a project whose sources are hidden.
pub(super) fn is_hidden(arguments: &[String]) -> bool {
    let Some(session) = std::env::var_os(SESSION).map(PathBuf::from) else {
        return false;
    };
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    let asks = has("metadata") && has("--filter-platform") && !has("--no-deps");
    asks && std::fs::symlink_metadata(library(&session)).is_ok_and(|it| it.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_hidden_until_they_are_revealed() {
        let folder = tempfile::tempdir().unwrap();
        let (session, source) = (folder.path().join("s"), folder.path().join("source"));
        std::fs::create_dir_all(source.join("core/src")).unwrap();
        for _ in 0..2 {
            hide(&session).unwrap();
            assert!(library(&session).join("core").is_dir());
            assert!(!library(&session).join("core/src").exists());
            reveal(&session, &source).unwrap();
            assert!(library(&session).join("core/src").is_dir());
        }
        assert!(source.join("core/src").is_dir());
    }
}
