//! Reading of bytes whose number is known: memory is reserved once, and no more is read.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Opens a file; returns its size too.
///
/// # Errors
/// If it cannot be opened, or is a device or a pipe, which may have no end.
pub(crate) fn open_file(path: &Path) -> Result<(File, u64)> {
    // Before the file is opened: opening a pipe waits for its other end.
    let metadata = std::fs::metadata(path).map_err(Error::io("read", path))?;
    if !metadata.is_file() && !metadata.is_dir() {
        let got = "a device or a pipe";
        return Err(Error::file(
            path,
            "a file",
            got,
            "Copy its data to a file first",
        ));
    }
    let file = File::open(path).map_err(Error::io("read", path))?;
    Ok((file, metadata.len()))
}

/// Reads a whole file of at most `max_bytes`.
///
/// # Errors
/// If it cannot be read, is larger, or memory for it is refused.
pub(crate) fn read_file(path: &Path, max_bytes: u64) -> Result<Vec<u8>> {
    let (file, length) = open_file(path)?;
    let too_large = |got: String| {
        let expected = format!("a file of at most {max_bytes} bytes");
        Error::file(path, expected, got, "Check that it is the right file")
    };
    if length > max_bytes {
        return Err(too_large(length.to_string()));
    }
    let mut bytes = reserved(length).map_err(Error::io("read", path))?;
    // The file may have grown since its size was read.
    file.take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(Error::io("read", path))?;
    if bytes.len() as u64 > max_bytes {
        return Err(too_large("more".into()));
    }
    Ok(bytes)
}

/// Appends at most `n` bytes; returns true if more follow.
///
/// # Errors
/// If they cannot be read, or memory for them is refused.
pub(crate) fn append(bytes: &mut Vec<u8>, mut from: impl Read, n: u64) -> io::Result<bool> {
    reserve(bytes, n)?;
    from.by_ref().take(n).read_to_end(bytes)?;
    let mut next = [0];
    loop {
        match from.read(&mut next) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read.map(|n| n > 0),
        }
    }
}

/// An empty vector with room for `n` bytes.
///
/// # Errors
/// If the memory is refused.
fn reserved(n: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reserve(&mut bytes, n)?;
    Ok(bytes)
}

fn reserve(bytes: &mut Vec<u8>, n: u64) -> io::Result<()> {
    let reserved = usize::try_from(n).is_ok_and(|n| bytes.try_reserve_exact(n).is_ok());
    if reserved {
        return Ok(());
    }
    let reason = format!("the system refuses {n} bytes of memory");
    Err(io::Error::new(ErrorKind::OutOfMemory, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_above_the_limit_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, [7; 10]).unwrap();
        assert_eq!(read_file(&path, 10).unwrap(), [7; 10]);
        let error = read_file(&path, 9).unwrap_err().to_string();
        let prefix = format!("{}: ", path.display());
        assert_eq!(
            error.strip_prefix(&prefix),
            Some("expected a file of at most 9 bytes, got 10. Check that it is the right file")
        );
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_rejected_and_folders_are_errors() {
        let error = read_file(Path::new("/dev/zero"), 9)
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "/dev/zero: expected a file, got a device or a pipe. Copy its data to a file first"
        );
        let error = read_file(Path::new("/"), u64::MAX).unwrap_err().to_string();
        assert!(error.starts_with("/: cannot read: "), "{error}");
    }

    #[test]
    fn exactly_the_claimed_bytes_are_appended() {
        let mut bytes = vec![1];
        assert!(append(&mut bytes, [2, 3, 4].as_slice(), 2).unwrap());
        assert_eq!(bytes, [1, 2, 3]);
        assert!(!append(&mut bytes, [5].as_slice(), 2).unwrap());
        assert_eq!(bytes, [1, 2, 3, 5]);
        let error = append(&mut bytes, io::empty(), u64::MAX).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the system refuses {} bytes of memory", u64::MAX)
        );
    }
}
