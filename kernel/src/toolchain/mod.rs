//! The Rust toolchain, and the search paths of programs and libraries.

mod search;

pub(crate) use search::{check_rustc, chosen, fits_shipped, install_missing};

use crate::home::create_folder;
use anyhow::{Context, Result};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Output of `rustc -vV`, which names the version, the commit and the host.
///
/// # Errors
/// If rustc is not installed.
pub(crate) fn rustc_version() -> Result<String> {
    Ok(search::chosen()?.version.clone())
}

/// The host's target triple, such as `x86_64-unknown-linux-gnu`.
///
/// # Errors
/// If rustc is not installed or does not report its host.
pub(crate) fn host() -> Result<String> {
    let version = rustc_version()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host
        .context("expected a line `host: ` from rustc -vV, got none")?
        .to_owned())
}

/// The chosen toolchain's folder.
///
/// # Errors
/// If rustc is not installed.
pub(crate) fn sysroot() -> Result<PathBuf> {
    Ok(search::chosen()?.sysroot.clone())
}

/// The folder of the standard library's source: a shipped seed's own, otherwise the toolchain's.
pub(crate) fn rust_src(seed: &Path, sysroot: &Path) -> PathBuf {
    let own = seed_rust_src(seed);
    if own.is_dir() {
        own
    } else {
        sysroot.join("lib/rustlib/src/rust/library")
    }
}

/// The folder of the standard library's source in a seed. Only a shipped seed has it.
pub(crate) fn seed_rust_src(seed: &Path) -> PathBuf {
    seed.join("rust-src")
}

/// The folder of the toolchain's `libstd`.
///
/// # Errors
/// If rustc is not installed.
pub(crate) fn library_folder() -> Result<PathBuf> {
    Ok(sysroot()?.join("lib/rustlib").join(host()?).join("lib"))
}

/// The variable and value of the search path for cells' shared libraries: the toolchain's `libstd`
/// and the session's crates.
///
/// The compiler's rpaths do not work here: they are relative to a cell library's original folder,
/// but the engine moves the library one folder up.
///
/// # Errors
/// If rustc is not installed or a folder's name contains a colon.
pub(crate) fn library_path(session: &Path) -> Result<(&'static str, OsString)> {
    let name = LIBRARY_PATH;
    let deps = session.join("target").join(host()?).join("debug/deps");
    // The loader drops folders that do not exist when a process starts.
    create_folder(&deps)?;
    let before = std::env::var_os(name).unwrap_or_default();
    // A Jupyter server that was not started from a shell lacks the path of CUDA's libraries.
    let cuda = std::env::var_os("CUDA_HOME")
        .map(|home| PathBuf::from(home).join("lib64"))
        .filter(|lib| lib.is_dir());
    let folders = [deps, library_folder()?]
        .into_iter()
        .chain(absolute_folders(&before))
        .chain(cuda);
    Ok((
        name,
        std::env::join_paths(folders)
            .context("expected library folders without a colon in their names, got one with")?,
    ))
}

const LIBRARY_PATH: &str = if cfg!(target_os = "macos") {
    "DYLD_LIBRARY_PATH"
} else {
    "LD_LIBRARY_PATH"
};

/// The absolute folders of a search path. An empty or relative part means the current folder, which
/// is the notebook's: its programs and libraries would run.
fn absolute_folders(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(path).filter(|folder| folder.is_absolute())
}

/// Variables that would make a session's build differ from its seed's.
const BUILD_VARIABLES: [&str; 5] = [
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
];

/// Cargo's variables that configure a user's machine rather than a build.
const KEPT_CARGO_PREFIXES: [&str; 3] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_REGISTRIES_"];

/// Resets the environment of builds to that of a fresh shell, without variables that cargo sets for
/// child processes or flags meant for other projects, and without the current folder in a search
/// path.
///
/// Also appends the toolchain recorded by `install` to `PATH`, for Jupyter servers that were not
/// started from a shell.
///
/// # Safety
/// No other thread may run.
#[allow(unsafe_code)]
pub(crate) unsafe fn tidy_environment() {
    for (name, _) in std::env::vars_os() {
        if changes_builds(&name.to_string_lossy()) {
            // SAFETY: the caller promises that no other thread runs.
            unsafe { std::env::remove_var(&name) };
        }
    }
    let recorded = std::env::var_os("CANDLEBOOK_RUST_BIN").map(PathBuf::from);
    for (name, more) in [("PATH", recorded), (LIBRARY_PATH, None)] {
        let Some(path) = std::env::var_os(name) else {
            continue;
        };
        let Ok(joined) = std::env::join_paths(absolute_folders(&path).chain(more)) else {
            continue;
        };
        // SAFETY: as above. An empty path means the current folder.
        unsafe {
            if joined.is_empty() {
                std::env::remove_var(name);
            } else {
                std::env::set_var(name, joined);
            }
        }
    }
}

/// True if a variable of this name changes how cargo compiles.
fn changes_builds(name: &str) -> bool {
    let kept = KEPT_CARGO_PREFIXES
        .iter()
        .any(|prefix| name.starts_with(prefix));
    let of_cargo = name.starts_with("CARGO") && !kept;
    of_cargo || BUILD_VARIABLES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_build_settings_are_removed_from_the_environment() {
        for name in [
            "CARGO",
            "CARGO_PKG_NAME",
            "CARGO_TARGET_DIR",
            "RUSTFLAGS",
            "RUSTC",
        ] {
            assert!(changes_builds(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_HTTP_PROXY",
            "CARGO_REGISTRIES_A_TOKEN",
            "RUSTUP_HOME",
        ] {
            assert!(!changes_builds(name), "{name}");
        }
    }

    #[test]
    fn the_current_folder_is_in_no_search_path() {
        let folders = |path: &str| absolute_folders(OsStr::new(path)).collect::<Vec<_>>();
        assert!(folders("").is_empty());
        assert_eq!(
            folders(":/a::b:./c:/d:"),
            [PathBuf::from("/a"), PathBuf::from("/d")]
        );
    }
}
