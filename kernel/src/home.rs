//! Candlebook's home folder, and files in it.
//!
//! Seeds and sessions share the home folder for two reasons: sessions are hard links into seeds,
//! and one cargo configuration above both sets how their dependencies are compiled.

use anyhow::{Context, Result, bail};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Permissions of folders that only the user may enter.
pub(crate) const PRIVATE_FOLDER: u32 = 0o700;

/// The home folder: `$CANDLEBOOK_HOME`, by default `~/.local/share/candlebook`. Only the user may
/// enter it, because it holds the source of all cells.
///
/// # Errors
/// If the folder cannot be created, or its path cannot be used in a search path.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = match (
        std::env::var_os("CANDLEBOOK_HOME"),
        std::env::var_os("XDG_DATA_HOME"),
    ) {
        (Some(home), _) => PathBuf::from(home),
        (None, Some(data)) => PathBuf::from(data).join("candlebook"),
        (None, None) => user_home()?.join(".local/share/candlebook"),
    };
    create_private_folder(&folder)?;
    // Cargo and rust-analyzer print real paths, and the shim looks up recorded answers by path.
    let folder = folder
        .canonicalize()
        .with_context(|| format!("{} is not a usable path", folder.display()))?;
    check_path(&folder)?;
    Ok(folder)
}

/// Checks that a path can be part of a search path and of cargo's files.
fn check_path(path: &Path) -> Result<()> {
    let Some(text) = path.to_str() else {
        bail!(
            "expected a home folder whose path is UTF-8, got {}. Set CANDLEBOOK_HOME",
            path.display()
        );
    };
    if let Some(separator) = text
        .chars()
        .find(|c| ":;$\\".contains(*c) || c.is_control())
    {
        bail!(
            "expected a home folder without {separator:?} in its path, because search paths cannot \
             contain it, got {text:?}. Set CANDLEBOOK_HOME to another folder"
        );
    }
    Ok(())
}

/// Removes the home folder if only files of the program itself are left in it; anything else, such as
/// the history of cells, is kept.
///
/// # Errors
/// If the home folder cannot be used.
pub(crate) fn remove_if_unused() -> Result<()> {
    let folder = folder()?;
    let _ = std::fs::remove_file(folder.join(".cargo/config.toml"));
    // A folder that is not empty is not removed.
    for part in [".cargo", "seeds", "sessions", ""] {
        let _ = std::fs::remove_dir(folder.join(part));
    }
    Ok(())
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

/// Creates a folder that only the user may enter. A folder that Candlebook created earlier with
/// wider permissions is made private; any other folder keeps its own.
///
/// # Errors
/// If a folder cannot be created.
pub(crate) fn create_private_folder(path: &Path) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_FOLDER)
        .create(path)
        .with_context(|| format!("cannot create the folder {}", path.display()))?;
    if path.join("seeds").is_dir() {
        make_private(path, PRIVATE_FOLDER);
    }
    Ok(())
}

/// Removes the permissions of other users. A file system without permissions is left as it is.
pub(crate) fn make_private(path: &Path, mode: u32) {
    let is_wider =
        std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o77 != 0);
    if is_wider {
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
    }
}

/// Writes a file atomically: to a temporary name, which is synced and then renamed.
///
/// # Errors
/// If the file cannot be written; an earlier version of it is then unchanged.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_extension(format!("part-{}", std::process::id()));
    let written = write_and_sync(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Opens a file to append to, which only the user may read.
///
/// # Errors
/// If the file cannot be opened or created.
pub(crate) fn append_private(path: &Path) -> std::io::Result<std::fs::File> {
    make_private(path, 0o600);
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

/// Hexadecimal digits of a hash, in lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A command that runs in the home folder rather than in the notebook's, whose files must not
/// change what it does: rustup obeys a `rust-toolchain.toml`, Python imports a `venv.py`.
///
/// # Errors
/// If the home folder cannot be used.
pub(crate) fn tool(program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
    let mut command = Command::new(program);
    command.current_dir(folder()?);
    Ok(command)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_print_as_hexadecimal_digits() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }

    #[test]
    fn a_path_that_search_paths_cannot_hold_is_rejected() {
        assert!(check_path(Path::new("/a b/\"c\"/100%/\u{e9}'")).is_ok());
        for path in ["/a:b", "/a;b", "/a\nb", "/$LIB", "/a\\b"] {
            let error = check_path(Path::new(path)).unwrap_err().to_string();
            assert!(error.contains("expected a home folder without"), "{error}");
        }
    }

    #[test]
    fn a_folder_of_an_earlier_version_becomes_private_and_others_keep_their_permissions() {
        let parent = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (ours, other, new) = (
            parent.path().join("ours"),
            parent.path().join("other"),
            parent.path().join("new"),
        );
        std::fs::create_dir_all(ours.join("seeds")).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        for folder in [&ours, &other] {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        for folder in [&ours, &other, &new] {
            create_private_folder(folder).unwrap();
        }
        assert_eq!(
            (mode(&ours), mode(&other), mode(&new)),
            (0o700, 0o755, 0o700)
        );
    }
}
