//! Files written whole or not at all.

use crate::error::{Error, Result};
use std::path::Path;
use tempfile::NamedTempFile;

/// Writes to a temporary name beside the file, then renames: a reader sees the old bytes or the new ones, never a part.
///
/// # Errors
/// Where the folder cannot be written. The old file, if there was one, is untouched.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = temporary(path)?;
    if let Ok(old) = std::fs::metadata(path) {
        file.as_file()
            .set_permissions(old.permissions())
            .map_err(Error::io("write", path))?;
    }
    std::io::Write::write_all(&mut file, bytes).map_err(Error::io("write", path))?;
    file.persist(path)
        .map_err(|error| Error::io("write", path)(error.error))?;
    Ok(())
}

/// A file under a temporary name beside this one, to be renamed to it once it is whole.
///
/// # Errors
/// Where the folder cannot be written.
pub(crate) fn temporary(path: &Path) -> Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // As other new files, under the user's umask: temporary files alone would be private.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder
        .tempfile_in(folder)
        .map_err(Error::io("write", path))
}
