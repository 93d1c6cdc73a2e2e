//! Candlebook's home folder, the Rust toolchain, and the process environment.
//!
//! Seeds and sessions share the home folder for two reasons: sessions are hard links into seeds,
//! and one cargo configuration above both sets how their dependencies are compiled.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The home folder: `$CANDLEBOOK_HOME`, by default `~/.local/share/candlebook`.
///
/// # Errors
/// If the folder cannot be created.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = match (
        std::env::var_os("CANDLEBOOK_HOME"),
        std::env::var_os("XDG_DATA_HOME"),
    ) {
        (Some(home), _) => PathBuf::from(home),
        (None, Some(data)) => PathBuf::from(data).join("candlebook"),
        (None, None) => user_home()?.join(".local/share/candlebook"),
    };
    create_folder(&folder)?;
    // Cargo and rust-analyzer print real paths, and the shim looks up recorded answers by path.
    folder
        .canonicalize()
        .with_context(|| format!("{} is not a usable path", folder.display()))
}

/// The user's home folder.
///
/// # Errors
/// If the system reports none.
pub(crate) fn user_home() -> Result<PathBuf> {
    std::env::home_dir()
        .context("no home folder: set HOME, or set CANDLEBOOK_HOME to a writable folder")
}

/// Creates a folder and its parents.
///
/// # Errors
/// If a folder cannot be created.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path)
        .with_context(|| format!("cannot create the folder {}", path.display()))
}

/// Writes a file atomically: to a temporary name, which is then renamed.
///
/// # Errors
/// If the file cannot be written; an earlier version of it is then unchanged.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_extension(format!("part-{}", std::process::id()));
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Hexadecimal digits of a hash, in lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Output of `rustc -vV`, which names the version, the commit and the host.
///
/// # Errors
/// If rustc is not installed.
pub(crate) fn rustc_version() -> Result<String> {
    output(Command::new("rustc").arg("-vV")).context(
        "rustc was not found: install Rust from rustup.rs, open a new terminal, and try again",
    )
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

/// Minimum rustc version that the engine supports: (major, minor).
const MIN_RUSTC: (u32, u32) = (1, 95);

/// Checks the output of `rustc -vV` against the minimum version.
///
/// # Errors
/// If rustc is older.
pub(crate) fn check_rustc(version: &str) -> Result<()> {
    let release = version
        .lines()
        .find_map(|line| line.strip_prefix("release: "))
        .unwrap_or("unknown");
    let mut numbers = release
        .split(['.', '-'])
        .map_while(|part| part.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < MIN_RUSTC {
        let (major, minor) = MIN_RUSTC;
        bail!("rustc: expected {major}.{minor} or newer, got {release}. Run: rustup update stable");
    }
    Ok(())
}

/// The active toolchain's folder.
///
/// # Errors
/// If rustc is not installed.
pub(crate) fn sysroot() -> Result<PathBuf> {
    Ok(PathBuf::from(
        output(Command::new("rustc").args(["--print", "sysroot"]))?.trim(),
    ))
}

/// The variable and value of the search path for cells' shared libraries: the toolchain's `libstd`
/// and the session's crates.
///
/// The compiler's rpaths do not work here: they are relative to a cell library's original folder,
/// but the engine moves the library one folder up.
///
/// # Errors
/// If rustc is not installed or a folder's name contains a colon.
pub(crate) fn library_path(session: &Path) -> Result<(&'static str, std::ffi::OsString)> {
    let name = if cfg!(target_os = "macos") {
        "DYLD_LIBRARY_PATH"
    } else {
        "LD_LIBRARY_PATH"
    };
    let toolchain =
        PathBuf::from(output(Command::new("rustc").args(["--print", "target-libdir"]))?.trim());
    let deps = session.join("target").join(host()?).join("debug/deps");
    // The loader drops folders that do not exist when a process starts.
    create_folder(&deps)?;
    let before = std::env::var_os(name).unwrap_or_default();
    // A Jupyter server that was not started from a shell lacks the path of CUDA's libraries.
    let cuda = std::env::var_os("CUDA_HOME")
        .map(|home| PathBuf::from(home).join("lib64"))
        .filter(|lib| lib.is_dir());
    let folders = [deps, toolchain]
        .into_iter()
        .chain(std::env::split_paths(&before))
        .chain(cuda);
    Ok((
        name,
        std::env::join_paths(folders)
            .context("expected library folders without a colon in their names, got one with")?,
    ))
}

/// Runs a command and returns its standard output.
///
/// # Errors
/// If the command cannot be started or fails; the message includes its standard error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let out = command
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    if !out.status.success() {
        bail!(
            "{program} failed ({}): {}",
            out.status,
            String::from_utf8_lossy(&out.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
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
/// child processes or flags meant for other projects.
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
    if let Some(bin) = std::env::var_os("CANDLEBOOK_RUST_BIN") {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain([PathBuf::from(bin)]);
        if let Ok(joined) = std::env::join_paths(folders) {
            // SAFETY: as above.
            unsafe { std::env::set_var("PATH", joined) };
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
    fn rustc_older_than_the_minimum_is_rejected() {
        assert!(check_rustc("rustc 1.95.0\nrelease: 1.95.0-nightly").is_ok());
        let error = check_rustc("release: 1.70.0").unwrap_err().to_string();
        assert!(
            error.contains("expected 1.95 or newer, got 1.70.0"),
            "{error}"
        );
    }

    #[test]
    fn hashes_print_as_hexadecimal_digits() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
