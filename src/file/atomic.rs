//! Atomic writes: a reader sees the old file or the new one, never a part.

use crate::error::{Error, Result};
use crate::file::name::name_or;
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Writes a file atomically.
///
/// # Errors
/// If the folder cannot be written. An existing file is then untouched.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    if let Ok(old) = std::fs::metadata(path) {
        file.temporary
            .as_file()
            .set_permissions(old.permissions())
            .map_err(Error::io("write", path))?;
    }
    file.write_all(bytes).map_err(Error::io("write", path))?;
    file.commit()
}

/// A file under a temporary name in the target's folder. [`AtomicFile::commit`] renames it to the
/// target; dropped before that, it is deleted.
#[derive(Debug)]
pub(crate) struct AtomicFile {
    temporary: NamedTempFile,
    path: PathBuf,
    /// The folder of both.
    folder: PathBuf,
}

impl AtomicFile {
    /// Opens the temporary file. `path` itself does not change before [`AtomicFile::commit`].
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        check_folder(path)?;
        let folder = folder_of(path);
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            // Temporary files default to 0600; other new files to 0666 under the umask.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let temporary = builder
            .tempfile_in(folder)
            .map_err(|error| Error::io("write", path)(without_path(error)))?;
        Ok(AtomicFile {
            temporary,
            path: path.to_owned(),
            folder: folder.to_owned(),
        })
    }

    /// Writes the file to the disk, then renames it to its target, replacing an existing one.
    ///
    /// # Errors
    /// If the disk is full, or the target cannot be replaced.
    pub(crate) fn commit(self) -> Result<()> {
        // Without it, a power failure soon after the rename can leave an empty file.
        self.temporary
            .as_file()
            .sync_all()
            .map_err(Error::io("write", &self.path))?;
        self.temporary
            .persist(&self.path)
            .map_err(|error| Error::io("write", &self.path)(without_path(error.error)))?;
        // The rename itself. Some file systems cannot, and the file is whole either way.
        #[cfg(unix)]
        let _ = std::fs::File::open(&self.folder).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

/// Checks that the folder of a file that will be written exists.
///
/// # Errors
/// If it does not, or is a file.
pub(crate) fn check_folder(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    let (got, hint) = match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => ("a file", "Choose another folder".to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let hint = format!("Create it: std::fs::create_dir_all({folder:?})?");
            ("none", hint)
        }
        // Writing will tell.
        Err(_) => return Ok(()),
    };
    let expected = format!("a folder for {}", name_or(path, "the file"));
    Err(Error::file(folder, expected, got, hint))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Removes the path of the temporary file, which `tempfile` appends to the text of an error.
fn without_path(error: std::io::Error) -> std::io::Error {
    let text = error.to_string();
    match text.split_once(" at path ") {
        Some((reason, _)) => std::io::Error::new(error.kind(), reason),
        None => error,
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.temporary.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.temporary.as_file_mut().flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.temporary.as_file_mut().seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_write_replaces_the_file_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        for bytes in [b"old".as_slice(), b"newer"] {
            write_atomically(&path, bytes).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(entries(folder.path()), 1);
    }

    #[test]
    fn a_file_dropped_before_commit_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        write_atomically(&path, b"old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(entries(folder.path()), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_write_keeps_the_permissions_of_the_file_that_it_replaces() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        std::fs::write(&path, b"old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        write_atomically(&path, b"new").unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn a_missing_folder_is_an_error_that_says_how_to_create_it() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let error = write_atomically(&missing.join("weights"), b"").unwrap_err();
        let name = missing.display();
        assert_eq!(
            error.to_string(),
            format!(
                "{name}: expected a folder for weights, got none. \
                 Create it: std::fs::create_dir_all(\"{name}\")?"
            )
        );
        std::fs::write(&missing, b"").unwrap();
        let error = write_atomically(&missing.join("weights"), b"").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{name}: expected a folder for weights, got a file. Choose another folder")
        );
        assert!(check_folder(Path::new("weights")).is_ok());
    }

    #[test]
    fn a_folder_in_place_of_the_file_is_an_error_that_names_only_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        std::fs::create_dir(&path).unwrap();
        let error = write_atomically(&path, b"new").unwrap_err().to_string();
        let prefix = format!("{}: cannot write: ", path.display());
        let reason = error.strip_prefix(&prefix).unwrap();
        assert!(!reason.contains(".tmp") && !reason.contains('/'), "{error}");
        assert_eq!(entries(folder.path()), 1);
    }
}
