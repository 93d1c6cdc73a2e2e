//! Where things are kept: one folder of the user's, and the commands of the Rust toolchain.
//!
//! Seeds and sessions share a folder because sessions are hard links into seeds, and because a cargo configuration above
//! both sets how their dependencies are compiled.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of everything that is installed: `$CANDLEBOOK_HOME`, else `~/.local/share/candlebook`.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = match (
        std::env::var_os("CANDLEBOOK_HOME"),
        std::env::var_os("XDG_DATA_HOME"),
    ) {
        (Some(own), _) => PathBuf::from(own),
        (None, Some(data)) => PathBuf::from(data).join("candlebook"),
        (None, None) => user_home()?.join(".local/share/candlebook"),
    };
    create_folder(&folder)?;
    // Without links: cargo and rust-analyzer name real paths, and answers are found by them.
    folder
        .canonicalize()
        .with_context(|| format!("{} is not a usable path", folder.display()))
}

/// The user's home folder.
pub(crate) fn user_home() -> Result<PathBuf> {
    std::env::home_dir()
        .context("no home folder: set HOME, or CANDLEBOOK_HOME to a folder that can be written")
}

/// Creates a folder and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path)
        .with_context(|| format!("cannot create the folder {}", path.display()))
}

/// Writes a file whole or not at all: to a temporary name first, then renamed.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_extension(format!("part-{}", std::process::id()));
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// What `rustc -vV` prints; it names the version, the commit and the machine.
pub(crate) fn rustc_version() -> Result<String> {
    output(Command::new("rustc").arg("-vV")).context(
        "rustc was not found: install Rust from rustup.rs, open a new terminal, and try again",
    )
}

/// The machine that is compiled for, such as `x86_64-unknown-linux-gnu`.
pub(crate) fn host() -> Result<String> {
    let version = rustc_version()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host
        .context("rustc does not say what it compiles for")?
        .to_owned())
}

/// The oldest rustc that the engine works with: (major, minor).
pub(crate) const OLDEST_RUSTC: (u32, u32) = (1, 95);

/// Checks what `rustc -vV` printed.
pub(crate) fn check_rustc(version: &str) -> Result<()> {
    let release = version
        .lines()
        .find_map(|line| line.strip_prefix("release: "))
        .unwrap_or("unknown");
    let mut numbers = release
        .split(['.', '-'])
        .map_while(|part| part.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < OLDEST_RUSTC {
        let (major, minor) = OLDEST_RUSTC;
        bail!("rustc: expected {major}.{minor} or newer, got {release}. Run: rustup update stable");
    }
    Ok(())
}

/// The folder of the toolchain in use.
pub(crate) fn sysroot() -> Result<PathBuf> {
    Ok(PathBuf::from(
        output(Command::new("rustc").args(["--print", "sysroot"]))?.trim(),
    ))
}

/// The search path for shared libraries that cells need: the toolchain's `libstd` and the session's own crates.
///
/// The compiler writes paths relative to where it put a cell's library, but the engine then moves it up by one folder.
pub(crate) fn library_path(session: &Path) -> Result<(&'static str, std::ffi::OsString)> {
    let name = if cfg!(target_os = "macos") {
        "DYLD_LIBRARY_PATH"
    } else {
        "LD_LIBRARY_PATH"
    };
    let toolchain =
        PathBuf::from(output(Command::new("rustc").args(["--print", "target-libdir"]))?.trim());
    let deps = session.join("target").join(host()?).join("debug/deps");
    // The loader forgets folders that are not there when a process starts.
    create_folder(&deps)?;
    let before = std::env::var_os(name).unwrap_or_default();
    // A Jupyter server that was not started from a shell has no path to CUDA's libraries.
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
            .context("a folder on the library path has a colon in its name")?,
    ))
}

/// Standard output of a command that must succeed.
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

/// Makes the environment that of a fresh shell as far as builds are concerned: what cargo sets for its children, and
/// flags of the user's for other projects, must not make a session's build differ from its seed's. Puts the toolchain
/// that `install` recorded on the path, for Jupyter servers that were not started from a shell.
///
/// # Safety
/// No other thread may run.
pub(crate) unsafe fn tidy_environment() {
    const OURS: [&str; 3] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_REGISTRIES_"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let cargo = text.starts_with("CARGO") && !OURS.iter().any(|ours| text.starts_with(ours));
        if cargo
            || [
                "RUSTFLAGS",
                "RUSTDOCFLAGS",
                "RUSTC",
                "RUSTC_WRAPPER",
                "RUSTC_WORKSPACE_WRAPPER",
            ]
            .contains(&&*text)
        {
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
