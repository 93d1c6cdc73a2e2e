//! Installation of the shim in a session: its folder, and the environment that selects it.

use super::analysis::{hide, library};
use super::linker::lay_out_libraries;
use super::variables::{
    ADDED_COMPILER, ANSWERS, BUILD_RESULT, CARGO, CARGO_HOME, LOCK, PATH, RECORDER, SESSION,
    SYSROOT,
};
use crate::build::environment::{BUILD_ENVIRONMENT, SHIM_FOLDER};
use crate::build::session::Session;
use crate::home;
use crate::toolchain;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Creates the shim's folder in a session, with one link per program.
///
/// # Errors
/// If the folder cannot be written or rustc is not installed.
pub(crate) fn lay_out_shim(session: &Session) -> Result<()> {
    let bin = session.folder.join(SHIM_FOLDER).join("bin");
    home::create_folder(&bin)?;
    let link = |target: &Path, name: &str| -> Result<()> {
        let path = bin.join(name);
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink(target, &path)
            .with_context(|| format!("cannot link {}", path.display()))
    };
    let program = std::env::current_exe().context("cannot find the program's own path")?;
    for name in [
        "cargo",
        "rustup",
        "sh",
        RECORDER,
        ADDED_COMPILER,
        BUILD_RESULT,
    ] {
        link(&program, name)?;
    }
    link(&toolchain::sysroot()?.join("bin/rustc"), "rustc")?;
    hide(&session.folder)?;
    lay_out_libraries(&session.folder.join(SHIM_FOLDER))
}

/// Selects the shim for this process and its children.
///
/// # Safety
/// No other thread may run.
///
/// # Errors
/// If rustc is not installed or a folder's name contains a colon.
#[allow(unsafe_code)]
pub(crate) unsafe fn select_shim(session: &Session) -> Result<()> {
    let sysroot = toolchain::sysroot()?;
    let rustc = sysroot.join("bin/rustc");
    // If the toolchain does not have rustup's layout, rust-analyzer uses cargo directly, and loads
    // everything. Cargo itself may be missing: a compiled helper needs none.
    if !rustc.is_file() {
        return Ok(());
    }
    // SAFETY: the caller promises that no other thread runs.
    unsafe {
        std::env::set_var(CARGO, sysroot.join("bin/cargo"));
        std::env::set_var(CARGO_HOME, cargo_home()?);
        std::env::set_var("CARGO_HOME", session.folder.join(SHIM_FOLDER));
        let paths = SearchPaths::new(session)?;
        std::env::set_var("PATH", paths.shim_first);
        std::env::set_var(PATH, paths.original);
        for (name, value) in BUILD_ENVIRONMENT {
            std::env::set_var(name, value);
        }
        std::env::set_var("RUSTC", rustc);
        std::env::set_var("RUST_SRC_PATH", library(&session.folder));
        std::env::set_var(SYSROOT, sysroot);
        std::env::set_var(ANSWERS, session.seed.folder.join("answers"));
        std::env::set_var(SESSION, &session.folder);
    }
    Ok(())
}

/// Lays the shim out and returns its environment for a stock session, in which it only restores the
/// lock file.
///
/// The engine's first evaluation empties that file. Cargo would then select new versions of all
/// libraries, and compile them again at each start.
///
/// # Errors
/// As [`lay_out_shim`] and [`select_shim`].
pub(crate) fn stock_environment(session: &Session) -> Result<Vec<(&'static str, OsString)>> {
    lay_out_shim(session)?;
    let paths = SearchPaths::new(session)?;
    Ok(vec![
        (CARGO, toolchain::sysroot()?.join("bin/cargo").into()),
        (CARGO_HOME, cargo_home()?.into()),
        (SESSION, session.folder.clone().into()),
        (LOCK, session.seed.lock_file().into()),
        (PATH, paths.original),
        ("PATH", paths.shim_first),
    ])
}

struct SearchPaths {
    original: OsString,
    shim_first: OsString,
}

impl SearchPaths {
    fn new(session: &Session) -> Result<SearchPaths> {
        let original = std::env::var_os("PATH").unwrap_or_default();
        let folders = [session.folder.join(SHIM_FOLDER).join("bin")]
            .into_iter()
            .chain(std::env::split_paths(&original));
        let shim_first = std::env::join_paths(folders)
            .context("expected folders without a colon in PATH, got one with")?;
        Ok(SearchPaths {
            original,
            shim_first,
        })
    }
}

/// The user's `CARGO_HOME`.
///
/// # Errors
/// If it is not set and the user has no home folder.
pub(crate) fn cargo_home() -> Result<PathBuf> {
    match std::env::var_os(CARGO_HOME).or_else(|| std::env::var_os("CARGO_HOME")) {
        Some(home) => Ok(home.into()),
        None => Ok(home::user_home()?.join(".cargo")),
    }
}
