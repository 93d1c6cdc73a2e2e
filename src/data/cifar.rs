//! CIFAR-10's binary version, from a folder, the cache or the public mirror; also folders of other
//! images in its format.
//!
//! A record is the label (one byte), then the image: 32 x 32 red, green and blue values. Source:
//! Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).

use crate::cell::check_stopped;
use crate::data::cifar_search::{ARCHIVE_FOLDER, CifarSource, TEST_FILE, TRAIN_FILES, find_cifar};
use crate::data::dataset::Dataset;
use crate::data::download::{Checksum, Download, mirrors};
use crate::data::locations;
use crate::data::split::{ImageShape, Split};
use crate::error::{Error, Result};
use crate::file::{append, read_file};
use crate::show::note;
use flate2::read::GzDecoder;
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

const SHAPE: ImageShape = (3, 32, 32);
/// A label and an image.
const RECORD_BYTES: usize = 1 + 3 * 32 * 32;
/// The file of class names, one per line.
const CLASSES_FILE: &str = "batches.meta.txt";
const CLASSES: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];
/// Size limit for a file of the archive; CIFAR-10's have 30,730,000 bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// Size limit for the public archive, which has 170,052,171 bytes.
const MAX_ARCHIVE_BYTES: u64 = 1 << 28;
/// Size limit for the file of class names.
const MAX_CLASSES_BYTES: u64 = 1 << 20;

/// The public archive.
struct Archive {
    name: &'static str,
    sha256: &'static str,
    mirrors: &'static [&'static str],
}

const CIFAR10: Archive = Archive {
    name: "cifar-10-binary.tar.gz",
    sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    mirrors: &["https://www.cs.toronto.edu/~kriz/"],
};

/// Loads CIFAR-10: 50,000 training and 10,000 test photographs of ten classes, with labels and class
/// names.
///
/// Searched in `$CANDLEBOOK_DATA/cifar10`, `$CANDLEBOOK_DATA` and the cache
/// (`~/.cache/candlebook/cifar10`): first the six files, there or in a subfolder
/// `cifar-10-batches-bin`, then the archive `cifar-10-binary.tar.gz`. A folder with only some of the
/// files is passed over; if no other folder has them, a notice says so. Otherwise the archive (170 MB)
/// is downloaded into the cache. It is verified by its SHA-256. `CANDLEBOOK_OFFLINE=1` disables
/// downloads. torchvision's `datasets.CIFAR10`.
///
/// # Shapes
/// (3, 32, 32): red, green, blue.
///
/// # Errors
/// If a file is damaged, or the download fails: this crate does not contain CIFAR-10.
///
/// # Examples
/// ```no_run
/// let data = candlebook::data::cifar10()?;
/// assert_eq!(data.image_shape(), (3, 32, 32));
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn cifar10() -> Result<Dataset> {
    CIFAR10.load()
}

/// Loads a data set in CIFAR-10's file format: `data_batch_1.bin` to `data_batch_5.bin` and
/// `test_batch.bin`. `batches.meta.txt` names the classes, one per line; without it they have
/// CIFAR-10's names.
///
/// # Shapes
/// (3, 32, 32): red, green, blue.
///
/// # Errors
/// If a file is missing, is not a whole number of 3073-byte records, or has a label without a class.
///
/// # Examples
/// ```no_run
/// let data = candlebook::data::cifar10_folder("data/cifar-10-batches-bin")?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn cifar10_folder(path: impl AsRef<Path>) -> Result<Dataset> {
    let folder = path.as_ref();
    dataset(folder, folder.display().to_string(), |name| {
        let path = folder.join(name);
        // A folder may hold more records than CIFAR-10: only the names have a limit.
        let max_bytes = if name == CLASSES_FILE {
            MAX_CLASSES_BYTES
        } else {
            u64::MAX
        };
        match read_file(&path, max_bytes) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    })
}

impl Archive {
    fn load(&self) -> Result<Dataset> {
        match find_cifar(&locations::CIFAR10.folders(), self.name) {
            CifarSource::Folder(folder) => cifar10_folder(folder),
            CifarSource::Archive(path) => {
                let raw = read_file(&path, MAX_ARCHIVE_BYTES)?;
                self.unpack(&path, path.display().to_string(), &raw)
            }
            CifarSource::Passed(passed) => {
                for sentence in &passed {
                    note(format_args!("CIFAR-10: {sentence}"));
                }
                self.download(locations::CIFAR10.cache(), &passed)
            }
        }
    }

    fn download(&self, cache: Option<PathBuf>, passed: &[String]) -> Result<Dataset> {
        let folder = locations::CIFAR10.folder;
        let mut hint = format!(
            "Check the network, or set CANDLEBOOK_DATA and put {} into $CANDLEBOOK_DATA/{folder}",
            self.name
        );
        if !passed.is_empty() {
            hint += &format!(" ({})", passed.join("; "));
        }
        let download = Download {
            name: self.name,
            mirrors: mirrors(folder, self.mirrors),
            cache,
            hint,
        };
        let unpack = |url: &Path, raw: &[u8]| self.unpack(url, "a public mirror".into(), raw);
        Ok(download.fetch(unpack)?.1)
    }

    /// Verifies the archive and reads the data set in it.
    fn unpack(&self, path: &Path, source: String, raw: &[u8]) -> Result<Dataset> {
        let checksum = Checksum {
            what: "CIFAR-10's archive".into(),
            sha256: self.sha256,
            note: "",
            hint: "Delete the file if it is damaged; for other files use cifar10_folder(path)",
        };
        checksum.check(path, raw)?;
        let mut files = unpack(raw).map_err(|error| {
            let hint = "Delete the file and download it again";
            Error::file(path, "a complete tar.gz", error, hint)
        })?;
        dataset(path, source, |name| Ok(files.remove(name)))
    }
}

/// Unpacks the known files of the archive into memory.
fn unpack(raw: &[u8]) -> std::io::Result<HashMap<String, Vec<u8>>> {
    let mut files = HashMap::new();
    let mut archive = tar::Archive::new(GzDecoder::new(raw).take(8 * MAX_FILE_BYTES));
    for entry in archive.entries()? {
        let entry = entry?;
        let path = entry.path()?.into_owned();
        let known = TRAIN_FILES
            .iter()
            .chain([&TEST_FILE, &CLASSES_FILE])
            .find(|name| path == Path::new(ARCHIVE_FOLDER).join(name));
        if let Some(name) = known {
            let size = entry.size().min(MAX_FILE_BYTES);
            let mut bytes = Vec::new();
            append(&mut bytes, entry, size)?;
            files.insert(name.to_string(), bytes);
        }
    }
    Ok(files)
}

/// Builds the data set from files that `read` returns by name, `None` if there is no such file.
fn dataset(
    root: &Path,
    source: String,
    mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>>,
) -> Result<Dataset> {
    let names = read(CLASSES_FILE)?
        .map(|bytes| lines(&bytes))
        .filter(|names| !names.is_empty());
    let classes = names.unwrap_or_else(|| CLASSES.map(str::to_owned).to_vec());
    let mut split = |names: &[&str]| -> Result<Split> {
        let mut records = Records::default();
        for name in names {
            check_stopped()?;
            let bytes = read(name)?.ok_or_else(|| {
                let hint =
                    "Name the six files data_batch_1.bin to data_batch_5.bin and test_batch.bin";
                Error::file(root, format!("a file {name}"), "none", hint)
            })?;
            records.add(&root.join(name), &bytes, classes.len())?;
        }
        Split::from_bytes(records.images, SHAPE, Some(records.labels))?.named(classes.clone())
    };
    let train = split(&TRAIN_FILES)?;
    Dataset::new("CIFAR-10", source, train, split(&[TEST_FILE])?)
}

/// The non-empty lines of a text.
fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// Images and labels read so far.
#[derive(Default)]
struct Records {
    images: Vec<u8>,
    labels: Vec<u32>,
}

impl Records {
    /// Adds the records of a file.
    fn add(&mut self, path: &Path, bytes: &[u8], classes: usize) -> Result<()> {
        if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD_BYTES) {
            let expected = format!("one or more records of {RECORD_BYTES} bytes");
            let got = format!("{} bytes", bytes.len());
            let hint = "Use the binary version, cifar-10-binary.tar.gz, not cifar-10-python";
            return Err(Error::file(path, expected, got, hint));
        }
        self.images.reserve(bytes.len());
        for (i, record) in bytes.chunks_exact(RECORD_BYTES).enumerate() {
            let label = record[0];
            if usize::from(label) >= classes {
                let expected = format!("labels from 0 to {}", classes - 1);
                let got = format!("{label} in record {i}");
                let hint = "Use CIFAR-10's binary version; CIFAR-100 has two labels per image";
                return Err(Error::file(path, expected, got, hint));
            }
            self.labels.push(u32::from(label));
            self.images.extend_from_slice(&record[1..]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
