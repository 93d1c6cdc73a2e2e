//! [`DataFile`]: a file that is plain, gzipped, or an entry of a zip archive, read without unpacking
//! it to disk.

use crate::error::{Error, Result};
use crate::file::gzip::{GZIP_MAGIC, GzipMembers};
use crate::file::limits::max_inflated;
use crate::file::read::{append, open_file};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

pub(crate) const FETCH_AGAIN: &str = "Delete the file and download it again";

/// A file in a folder or in a zip archive.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DataFile {
    path: PathBuf,
    /// The entry, if `path` is a zip archive.
    entry: Option<String>,
}

/// Size of a file's data in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DataSize {
    Exact(u64),
    /// Compressed, and the most that this can unpack to.
    Compressed {
        format: &'static str,
        packed: u64,
        most: u64,
    },
}

impl DataSize {
    /// The error for data that cannot be read.
    pub(crate) fn unreadable(self, path: &Path, error: io::Error) -> Error {
        match self {
            DataSize::Exact(_) => Error::io("read", path)(error),
            DataSize::Compressed { format, .. } => {
                let expected = format!("complete {format} data");
                Error::file(path, expected, error, FETCH_AGAIN)
            }
        }
    }
}

/// Reader of a file's data.
pub(crate) struct Unpacked<'a> {
    data: Data<'a>,
    size: DataSize,
}

enum Data<'a> {
    Plain(Box<dyn BufRead + 'a>),
    Gzip(GzipMembers<Box<dyn BufRead + 'a>>),
}

impl DataFile {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        DataFile {
            path: path.into(),
            entry: None,
        }
    }

    /// An entry of a zip archive.
    pub(crate) fn in_archive(archive: &Path, entry: &str) -> Self {
        DataFile {
            path: archive.to_owned(),
            entry: Some(entry.to_owned()),
        }
    }

    /// The path for messages.
    pub(crate) fn path(&self) -> PathBuf {
        match &self.entry {
            None => self.path.clone(),
            Some(entry) => self.path.join(entry),
        }
    }

    /// Opens the file and passes its data to `read`.
    ///
    /// # Errors
    /// Those of `read`; also if the file cannot be opened.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Path, Unpacked<'_>) -> Result<T>) -> Result<T> {
        let path = self.path();
        let cannot_read = |error| Error::io("read", &path)(error);
        let Some(entry) = &self.entry else {
            let (file, length) = open_file(&path)?;
            let size = DataSize::Exact(length);
            let unpacked = Unpacked::new(BufReader::new(file), size).map_err(cannot_read)?;
            return read(&path, unpacked);
        };
        let (mut archive, archive_bytes) = open_archive(&self.path)?;
        let entry = archive
            .by_name(entry)
            .map_err(|error| damaged_archive(&self.path, error))?;
        let packed = entry.compressed_size().min(archive_bytes);
        let size = match entry.compression() {
            zip::CompressionMethod::Stored => DataSize::Exact(packed),
            _ => DataSize::Compressed {
                format: "zip",
                packed,
                most: max_inflated(packed),
            },
        };
        let unpacked = Unpacked::new(BufReader::new(entry), size);
        read(
            &path,
            unpacked.map_err(|error| damaged_archive(&self.path, error))?,
        )
    }

    /// Reads all data, of at most `max_bytes`.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged or larger.
    pub(crate) fn read_all(&self, max_bytes: u64) -> Result<Vec<u8>> {
        self.read(|path, unpacked| unpacked.read_all(path, max_bytes))
    }
}

impl<'a> Unpacked<'a> {
    /// Decompresses gzip; other data is read as it is.
    fn new(from: impl BufRead + 'a, size: DataSize) -> io::Result<Self> {
        let mut from: Box<dyn BufRead + 'a> = Box::new(from);
        if !from.fill_buf()?.starts_with(&GZIP_MAGIC) {
            let data = Data::Plain(from);
            return Ok(Unpacked { data, size });
        }
        let (packed, most) = match size {
            DataSize::Exact(packed) => (packed, packed),
            DataSize::Compressed { packed, most, .. } => (packed, most),
        };
        let size = DataSize::Compressed {
            format: "gzip",
            packed,
            most: max_inflated(most),
        };
        Ok(Unpacked {
            data: Data::Gzip(GzipMembers::new(from)),
            size,
        })
    }

    /// Bytes in memory, which may be gzip.
    ///
    /// # Errors
    /// None: memory can be read.
    pub(crate) fn from_bytes(bytes: &'a [u8]) -> io::Result<Self> {
        Unpacked::new(bytes, DataSize::Exact(bytes.len() as u64))
    }

    /// Bytes in memory as they are.
    pub(crate) fn plain(bytes: &'a [u8]) -> Self {
        Unpacked {
            data: Data::Plain(Box::new(bytes)),
            size: DataSize::Exact(bytes.len() as u64),
        }
    }

    pub(crate) fn size(&self) -> DataSize {
        self.size
    }

    /// True if gzip data was followed by other bytes. Known at the end of the data.
    pub(crate) fn has_trailing_bytes(&self) -> bool {
        matches!(&self.data, Data::Gzip(members) if members.has_trailing_bytes())
    }

    /// Reads all data, of at most `max_bytes`.
    ///
    /// # Errors
    /// If it is damaged or larger.
    pub(crate) fn read_all(mut self, path: &Path, max_bytes: u64) -> Result<Vec<u8>> {
        let size = self.size;
        let (DataSize::Exact(most) | DataSize::Compressed { most, .. }) = size;
        let mut bytes = Vec::new();
        let more = append(&mut bytes, &mut self, most.min(max_bytes))
            .map_err(|error| size.unreadable(path, error))?;
        if more {
            let expected = format!("at most {max_bytes} bytes after decompression");
            return Err(Error::file(path, expected, "more", FETCH_AGAIN));
        }
        Ok(bytes)
    }
}

impl Read for Unpacked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.data {
            Data::Plain(from) => from.read(buffer),
            Data::Gzip(members) => members.read(buffer),
        }
    }
}

type Archive = zip::ZipArchive<BufReader<File>>;

/// Opens a zip archive; returns its size in bytes too.
fn open_archive(path: &Path) -> Result<(Archive, u64)> {
    let (file, length) = open_file(path)?;
    let archive = zip::ZipArchive::new(BufReader::new(file));
    Ok((
        archive.map_err(|error| damaged_archive(path, error))?,
        length,
    ))
}

fn damaged_archive(path: &Path, error: impl ToString) -> Error {
    Error::file(path, "a complete zip archive", error, FETCH_AGAIN)
}

/// The names of the files in a zip archive, sorted.
///
/// # Errors
/// If the archive is damaged.
pub(crate) fn names_in_archive(path: &Path) -> Result<Vec<String>> {
    let (archive, _) = open_archive(path)?;
    let names = archive.file_names().flatten();
    let mut names: Vec<String> = names
        .map(|name| name.to_string())
        .filter(|name| !name.ends_with('/'))
        .collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::CompressionMethod::{Deflated, Stored};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn archive(path: &Path, entries: &[(&str, &[u8], zip::CompressionMethod)]) {
        let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
        for (name, bytes, method) in entries {
            let options = zip::write::SimpleFileOptions::default().compression_method(*method);
            archive.start_file(*name, options).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap();
    }

    #[test]
    fn plain_and_gzipped_entries_of_archives_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        let packed = gzip(b"data");
        archive(
            &path,
            &[
                ("b/deflated", b"data", Deflated),
                ("a/stored.gz", &packed, Stored),
                ("c.gz", &packed, Deflated),
                ("d", b"data", Stored),
            ],
        );
        let names = names_in_archive(&path).unwrap();
        assert_eq!(names, ["a/stored.gz", "b/deflated", "c.gz", "d"]);
        for name in names {
            let file = DataFile::in_archive(&path, &name);
            assert_eq!(file.read_all(4).unwrap(), b"data", "{name}");
            assert_eq!(file.path(), path.join(&name));
            let error = file.read_all(3).unwrap_err().to_string();
            assert!(error.contains("expected at most 3 bytes"), "{error}");
        }
        let error = DataFile::in_archive(&path, "e").read_all(9).unwrap_err();
        assert!(error.to_string().contains("a complete zip archive"));
    }

    #[test]
    fn files_and_memory_may_be_gzip_of_several_members() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let packed = [gzip(b"da"), gzip(b"ta")].concat();
        for bytes in [b"data".to_vec(), packed.clone()] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(DataFile::new(&path).read_all(4).unwrap(), b"data");
        }
        let unpacked = Unpacked::from_bytes(&packed).unwrap();
        assert_eq!(unpacked.read_all(&path, 4).unwrap(), b"data");
        let plain = Unpacked::plain(&packed);
        assert_eq!(plain.read_all(&path, 99).unwrap(), packed);
        std::fs::write(&path, &packed[..packed.len() - 3]).unwrap();
        let error = DataFile::new(&path).read_all(9).unwrap_err().to_string();
        assert!(error.contains("expected complete gzip data"), "{error}");
    }
}
