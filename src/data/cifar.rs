//! CIFAR-10 in its binary form, from the nearest place that has it, or from a folder.
//!
//! A record is a byte for the label and 3072 for the picture: 32 x 32 of red, then of green, then of blue.
//!
//! Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).

use crate::cell::check_stopped;
use crate::data::download::{check, fetch, mirrors};
use crate::data::split::{Dataset, ImageShape, Split};
use crate::error::{Error, Result};
use crate::file::cache_folder;
use flate2::read::GzDecoder;
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

const SHAPE: ImageShape = (3, 32, 32);
/// A label and a picture.
const RECORD: usize = 1 + 3 * 32 * 32;
/// The folder that the public archive holds.
const FOLDER: &str = "cifar-10-batches-bin";
const TRAIN: [&str; 5] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];
const TEST: &str = "test_batch.bin";
/// Names of the classes, one a line.
const NAMES: &str = "batches.meta.txt";
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
/// A file of the archive that claims more bytes than this is not CIFAR-10's, which has 30,730,000.
const LARGEST: u64 = 64 << 20;

/// The public archive and where it may be found.
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

/// Small photographs of ten kinds of things: 50,000 for training and 10,000 for test, 3 x 32 x 32, red, green, blue.
///
/// Looked for in `$CANDLEBOOK_DATA`, its subfolder `cifar10` and the cache (`~/.cache/candlebook/cifar10`): the six files, there or
/// in a subfolder `cifar-10-batches-bin`, then `cifar-10-binary.tar.gz`. Then at the public mirror (170 MB), whose archive is
/// cached. The archive is checked by its SHA-256. `CANDLEBOOK_OFFLINE=1` leaves the mirror out.
///
/// # Errors
/// A file that is there but damaged; no place that has it, since it is not inside this crate.
pub fn cifar10() -> Result<Dataset> {
    CIFAR10.load()
}

/// Pictures of your own in CIFAR-10's files: `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
///
/// Classes have the names in `batches.meta.txt`, one a line, where there is one, else CIFAR-10's.
///
/// # Errors
/// A missing file, one that is not a whole number of records of 3073 bytes, a label above the last class.
///
/// # Examples
/// ```no_run
/// let data = candlebook::cifar10_folder("data/cifar-10-batches-bin")?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn cifar10_folder(path: impl AsRef<Path>) -> Result<Dataset> {
    let folder = path.as_ref();
    let read = |name: &str| {
        let path = folder.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", &path)(error)),
        }
    };
    dataset(folder, folder.display().to_string(), read)
}

impl Archive {
    fn load(&self) -> Result<Dataset> {
        if let Some(folder) = folders().find(|folder| folder.join(TEST).is_file()) {
            return cifar10_folder(folder);
        }
        if let Some(path) = places()
            .into_iter()
            .map(|place| place.join(self.name))
            .find(|path| path.is_file())
        {
            let raw = std::fs::read(&path).map_err(Error::io("read", &path))?;
            return self.read(&path, path.display().to_string(), &raw);
        }
        let cache = cache_folder().map(|cache| cache.join("cifar10"));
        self.fetch(cache.as_deref())
    }

    fn fetch(&self, cache: Option<&Path>) -> Result<Dataset> {
        let hint = format!(
            "Check the network, or put {} into a folder and set CANDLEBOOK_DATA to it",
            self.name
        );
        let read = |url: &Path, raw: &[u8]| self.read(url, "a public mirror".into(), raw);
        Ok(fetch(
            self.name,
            &mirrors("cifar10", self.mirrors),
            cache,
            hint,
            read,
        )?
        .1)
    }

    fn read(&self, path: &Path, source: String, raw: &[u8]) -> Result<Dataset> {
        let hint =
            "If the file is damaged, delete it; to read files of your own use cifar10_folder(path)";
        check(path, "CIFAR-10's archive", raw, (self.sha256, ""), hint)?;
        let mut files = unpack(raw).map_err(|error| {
            Error::file(
                path,
                "a whole tar.gz",
                error,
                "Delete the file and fetch it again",
            )
        })?;
        dataset(path, source, |name| Ok(files.remove(name)))
    }
}

/// Folders that may hold the archive.
fn places() -> Vec<PathBuf> {
    let data = std::env::var_os("CANDLEBOOK_DATA").map(PathBuf::from);
    let mut places = data.map_or_else(Vec::new, |data| vec![data.clone(), data.join("cifar10")]);
    places.extend(cache_folder().map(|cache| cache.join("cifar10")));
    places
}

/// Folders that may hold its files, unpacked.
fn folders() -> impl Iterator<Item = PathBuf> {
    places()
        .into_iter()
        .flat_map(|place| [place.join(FOLDER), place])
}

/// The files of an archive that are known by name, in memory; nothing is written.
fn unpack(raw: &[u8]) -> std::io::Result<HashMap<String, Vec<u8>>> {
    let mut files = HashMap::new();
    let mut archive = tar::Archive::new(GzDecoder::new(raw).take(8 * LARGEST));
    for entry in archive.entries()? {
        let entry = entry?;
        let path = entry.path()?.into_owned();
        let known = TRAIN
            .iter()
            .chain([&TEST, &NAMES])
            .find(|name| path == Path::new(FOLDER).join(name));
        if let Some(name) = known {
            let mut bytes = Vec::new();
            entry.take(LARGEST).read_to_end(&mut bytes)?;
            files.insert(name.to_string(), bytes);
        }
    }
    Ok(files)
}

/// The data set of files that `read` gives by their names.
fn dataset(
    root: &Path,
    source: String,
    mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>>,
) -> Result<Dataset> {
    let names = read(NAMES)?
        .map(|bytes| lines(&bytes))
        .filter(|names| !names.is_empty());
    let classes = names.unwrap_or_else(|| CLASSES.map(str::to_owned).to_vec());
    let mut split = |names: &[&str]| -> Result<Split> {
        let (mut pictures, mut labels) = (Vec::new(), Vec::new());
        for name in names {
            check_stopped()?;
            let bytes = read(name)?.ok_or_else(|| {
                let hint = "The six files are named data_batch_1.bin to data_batch_5.bin and test_batch.bin";
                Error::file(root, format!("a file {name}"), "none", hint)
            })?;
            add(
                &root.join(name),
                &bytes,
                &classes,
                &mut pictures,
                &mut labels,
            )?;
        }
        Split::from_bytes(pictures, SHAPE, Some(labels))?.named(classes.clone())
    };
    Dataset::new("CIFAR-10", source, split(&TRAIN)?, split(&[TEST])?)
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Takes a file's records apart.
fn add(
    path: &Path,
    bytes: &[u8],
    classes: &[String],
    pictures: &mut Vec<u8>,
    labels: &mut Vec<u32>,
) -> Result<()> {
    if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD) {
        let expected = format!("a whole number of records of {RECORD} bytes, at least one");
        let hint = "Check that it is CIFAR-10's binary form and whole: cifar-10-binary.tar.gz, not cifar-10-python";
        return Err(Error::file(
            path,
            expected,
            format!("{} bytes", bytes.len()),
            hint,
        ));
    }
    pictures.reserve(bytes.len());
    for (i, record) in bytes.chunks_exact(RECORD).enumerate() {
        let label = record[0];
        if usize::from(label) >= classes.len() {
            let expected = format!("labels from 0 to {}", classes.len() - 1);
            let hint =
                "Check that it is CIFAR-10's binary form; CIFAR-100's has two labels a picture";
            return Err(Error::file(
                path,
                expected,
                format!("{label} in record {i}"),
                hint,
            ));
        }
        labels.push(u32::from(label));
        pictures.extend_from_slice(&record[1..]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::sha256_hex;
    use std::io::Write;

    /// An archive of six small files, and its mirror on this machine, which answers once.
    fn tiny() -> Archive {
        let mut tar = tar::Builder::new(Vec::new());
        let mut put = |name: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, name, bytes).unwrap();
        };
        for (i, name) in TRAIN.iter().chain([&TEST]).enumerate() {
            put(
                &format!("{FOLDER}/{name}"),
                &[vec![i as u8], vec![10 * i as u8; RECORD - 1]].concat(),
            );
        }
        put(&format!("{FOLDER}/readme.html"), b"not asked for");
        put("data_batch_1.bin", b"elsewhere");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&tar.into_inner().unwrap()).unwrap();
        let body = gzip.finish().unwrap();
        let sum = sha256_hex(&body);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&body))
                .unwrap();
        });
        let mirrors: &'static [&'static str] =
            Box::leak(Box::new([&*Box::leak(url.into_boxed_str())]));
        Archive {
            name: CIFAR10.name,
            sha256: Box::leak(sum.into_boxed_str()),
            mirrors,
        }
    }

    #[test]
    fn a_download_is_kept_as_the_archive_and_nothing_else_is_written() {
        let archive = tiny();
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("cifar10");
        let data = archive.fetch(Some(&folder)).unwrap();
        let kept: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(kept, [folder.join(CIFAR10.name)]);
        let raw = std::fs::read(&kept[0]).unwrap();
        let again = archive.read(&kept[0], "the cache".into(), &raw).unwrap();
        for data in [data, again] {
            assert_eq!(data.train.labels().unwrap(), [0, 1, 2, 3, 4]);
            assert_eq!(
                (data.test.labels().unwrap(), data.image_shape()),
                (vec![5], SHAPE)
            );
            let last = data
                .test
                .first(1)
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1::<f32>()
                .unwrap();
            assert_eq!(last, [50.0 / 255.0; 3072]);
            assert_eq!(data.train.classes().unwrap(), CLASSES);
        }
        let error = archive
            .read(&kept[0], String::new(), &raw[1..])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("expected CIFAR-10's archive (SHA-256") && error.contains("delete it"),
            "{error}"
        );
    }

    #[test]
    fn an_archive_that_is_cut_off_is_an_error() {
        let archive = tiny();
        let cache = tempfile::tempdir().unwrap();
        archive.fetch(Some(cache.path())).unwrap();
        let raw = std::fs::read(cache.path().join(CIFAR10.name)).unwrap();
        for cut in [0, 1, 20, raw.len() / 2] {
            let part = &raw[..cut];
            let sum: &'static str = Box::leak(sha256_hex(part).into_boxed_str());
            let cut_off = Archive {
                sha256: sum,
                ..archive
            };
            let error = cut_off
                .read(Path::new("a.tar.gz"), String::new(), part)
                .unwrap_err()
                .to_string();
            assert!(error.starts_with("a.tar.gz: expected a"), "{error}");
        }
    }
}
