//! MNIST and Fashion-MNIST, from a folder, the cache, the system's package or a public mirror; for
//! MNIST also 5,000 digits inside this crate.
//!
//! Every file of the full sets is verified by the SHA-256 of its unpacked bytes. Sources: LeCun,
//! Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition" (1998); Xiao,
//! Rasul, Vollgraf, "Fashion-MNIST" (2017). Mirrors: those of torchvision's `datasets.MNIST`.

use crate::data::dataset::Dataset;
use crate::data::download::{Checksum, Download, mirrors};
use crate::data::idx::{Idx, decompress, split_of};
use crate::data::locations::{self, Location, plain_or_gzipped};
use crate::data::split::Split;
use crate::error::{Error, Result};
use crate::file::read_file;
use crate::show::note;
use std::path::{Path, PathBuf};

/// Size limit of a file, packed or unpacked; the largest has 47,040,016 bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// A data set of four IDX files.
struct IdxSet {
    name: &'static str,
    location: Location,
    mirrors: &'static [&'static str],
    /// Training images and labels, test images and labels.
    files: [IdxFile; 4],
}

struct IdxFile {
    /// File name without `.gz`.
    name: &'static str,
    /// SHA-256 of the unpacked bytes.
    sha256: &'static str,
}

const MNIST: IdxSet = IdxSet {
    name: "MNIST",
    location: locations::MNIST,
    mirrors: &[
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ],
    files: [
        IdxFile {
            name: "train-images-idx3-ubyte",
            sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        },
        IdxFile {
            name: "train-labels-idx1-ubyte",
            sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        },
        IdxFile {
            name: "t10k-images-idx3-ubyte",
            sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        },
        IdxFile {
            name: "t10k-labels-idx1-ubyte",
            sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ],
};

const FASHION_MNIST: IdxSet = IdxSet {
    name: "Fashion-MNIST",
    location: locations::FASHION_MNIST,
    mirrors: &[
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ],
    files: [
        IdxFile {
            name: "train-images-idx3-ubyte",
            sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        },
        IdxFile {
            name: "train-labels-idx1-ubyte",
            sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        },
        IdxFile {
            name: "t10k-images-idx3-ubyte",
            sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        },
        IdxFile {
            name: "t10k-labels-idx1-ubyte",
            sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
    ],
};

/// Loads MNIST: 60,000 training and 10,000 test images of handwritten digits, with labels.
///
/// Searched in `$CANDLEBOOK_DATA/mnist`, `$CANDLEBOOK_DATA`, the cache
/// (`~/.cache/candlebook/mnist`) and `/usr/share/datasets/mnist`, then downloaded into the cache.
/// Without a network it falls back to [`mnist_embedded`] and prints a notice.
/// `CANDLEBOOK_OFFLINE=1` disables downloads. torchvision's `datasets.MNIST`.
///
/// # Shapes
/// (1, 28, 28).
///
/// # Errors
/// If a file is damaged, or is not MNIST's by its checksum.
///
/// # Examples
/// ```no_run
/// let data = candlebook::data::mnist()?;
/// println!("{} training images", data.train.len());
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn mnist() -> Result<Dataset> {
    match MNIST.load() {
        Err(Error::Download { last, .. }) => {
            note(format_args!(
                "MNIST: using the 5,000 digits inside candlebook, because the download failed \
                 ({last}). For all 70,000 set CANDLEBOOK_DATA to a folder with the four MNIST files."
            ));
            mnist_embedded()
        }
        other => other,
    }
}

/// Loads the 5,000 MNIST digits inside this crate: 4,000 training and 1,000 test images, equally
/// many of each digit. No network needed.
///
/// # Shapes
/// (1, 28, 28).
///
/// # Errors
/// None in practice: a test reads the embedded files.
///
/// # Examples
/// ```
/// let data = candlebook::data::mnist_embedded()?;
/// assert_eq!((data.train.len(), data.test.len()), (4000, 1000));
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn mnist_embedded() -> Result<Dataset> {
    macro_rules! idx {
        ($name:literal, $rank:literal) => {{
            let path = Path::new(concat!($name, ".gz"));
            let raw = include_bytes!(concat!("../../assets/mnist5k/", $name, ".gz")).to_vec();
            Idx::parse(path, &decompress(path, raw, MAX_FILE_BYTES)?, $rank)?
        }};
    }
    let (images, labels) = (
        idx!("train-images-idx3-ubyte", 3),
        idx!("train-labels-idx1-ubyte", 1),
    );
    let train = split_of(images, Some(labels))?;
    let (images, labels) = (
        idx!("t10k-images-idx3-ubyte", 3),
        idx!("t10k-labels-idx1-ubyte", 1),
    );
    let test = split_of(images, Some(labels))?;
    Dataset::new("MNIST, 5,000 digits", "this crate", train, test)
}

/// Loads Fashion-MNIST: 60,000 training and 10,000 test images of Zalando's articles of clothing,
/// with labels.
///
/// Searched in `$CANDLEBOOK_DATA/fashion-mnist`, `$CANDLEBOOK_DATA`, the cache
/// (`~/.cache/candlebook/fashion-mnist`) and Debian's package `dataset-fashion-mnist`, then
/// downloaded into the cache. `CANDLEBOOK_OFFLINE=1` disables downloads. torchvision's
/// `datasets.FashionMNIST`.
///
/// # Shapes
/// (1, 28, 28).
///
/// # Errors
/// As [`mnist`]; also if the download fails, because this crate does not contain it.
///
/// # Examples
/// ```no_run
/// let data = candlebook::data::fashion_mnist()?;
/// println!("{} training images", data.train.len());
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn fashion_mnist() -> Result<Dataset> {
    FASHION_MNIST.load()
}

impl IdxSet {
    fn load(&self) -> Result<Dataset> {
        match self
            .location
            .find(&self.files.each_ref().map(|file| file.name))
        {
            Some(folder) => self.read(&folder),
            None => self.download(self.location.cache()),
        }
    }

    /// Reads the files of a folder.
    fn read(&self, folder: &Path) -> Result<Dataset> {
        self.dataset(folder.display().to_string(), |file| {
            // Unless the file was just deleted, it exists.
            let path = plain_or_gzipped(folder, file.name);
            let path = path.unwrap_or_else(|| folder.join(file.name));
            let raw = read_file(&path, MAX_FILE_BYTES)?;
            let bytes = decompress(&path, raw, MAX_FILE_BYTES)?;
            self.verify(&path, file, &bytes)?;
            Ok((path, bytes))
        })
    }

    fn download(&self, cache: Option<PathBuf>) -> Result<Dataset> {
        self.dataset("a public mirror".into(), |file| {
            self.fetch(file, cache.clone())
        })
    }

    /// Downloads a file; returns its path and its unpacked bytes.
    fn fetch(&self, file: &IdxFile, cache: Option<PathBuf>) -> Result<(PathBuf, Vec<u8>)> {
        let download = Download {
            name: &format!("{}.gz", file.name),
            mirrors: mirrors(self.location.folder, self.mirrors),
            cache,
            hint: format!(
                "Check the network, or set CANDLEBOOK_DATA to a folder with the four {} files",
                self.name
            ),
        };
        download.fetch(|url, raw| {
            let bytes = decompress(url, raw.to_vec(), MAX_FILE_BYTES)?;
            self.verify(url, file, &bytes)?;
            Ok(bytes)
        })
    }

    /// Builds the data set from files that `get` returns with their paths.
    fn dataset(
        &self,
        source: String,
        mut get: impl FnMut(&IdxFile) -> Result<(PathBuf, Vec<u8>)>,
    ) -> Result<Dataset> {
        let mut idx = |file: &IdxFile, rank| {
            let (path, bytes) = get(file)?;
            Idx::parse(&path, &bytes, rank)
        };
        let mut split = |images: &IdxFile, labels: &IdxFile| -> Result<Split> {
            let images = idx(images, 3)?;
            split_of(images, Some(idx(labels, 1)?))
        };
        let [train_images, train_labels, test_images, test_labels] = &self.files;
        let train = split(train_images, train_labels)?;
        Dataset::new(self.name, source, train, split(test_images, test_labels)?)
    }

    fn verify(&self, path: &Path, file: &IdxFile, bytes: &[u8]) -> Result<()> {
        let checksum = Checksum {
            what: format!("{}'s {}", self.name, file.name),
            sha256: file.sha256,
            note: " unpacked",
            hint: "Delete the file if it is damaged; for other files use idx_folder(path)",
        };
        checksum.check(path, bytes)
    }
}

#[cfg(test)]
mod tests;
