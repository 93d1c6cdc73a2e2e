//! MNIST and Fashion-MNIST, from a folder, the cache, the system's package or a public mirror; for
//! MNIST also 5,000 digits inside this crate.
//!
//! Sources: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document
//! recognition" (1998); Xiao, Rasul, Vollgraf, "Fashion-MNIST" (2017).

use crate::data::dataset::Dataset;
use crate::data::idx::{Idx, split_of};
use crate::data::idx_set::{FASHION_MNIST, MAX_FILE_BYTES, MNIST};
use crate::error::{Error, Result};
use crate::file::Unpacked;
use crate::show::note;
use std::path::Path;

/// Loads MNIST: 60,000 training and 10,000 test images of handwritten digits, with labels.
///
/// Searched in `$CANDLEBOOK_DATA/mnist`, `$CANDLEBOOK_DATA/MNIST/raw` (torchvision's),
/// `$CANDLEBOOK_DATA`, the cache (`~/.cache/candlebook/mnist`) and `/usr/share/datasets/mnist`, then
/// downloaded into the cache. Files may have every name and form that [`idx_folder`](crate::data::idx_folder) reads. A folder
/// that holds another set, as its test labels show, or not all four files, is passed over; if
/// no other folder has them, a notice says so.
///
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
            let raw = include_bytes!(concat!("../../assets/mnist5k/", $name, ".gz"));
            let unpacked = Unpacked::from_bytes(raw).map_err(Error::io("read", path))?;
            Idx::parse(path, &unpacked.read_all(path, MAX_FILE_BYTES)?, $rank)?
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
/// Searched as [`mnist`] is, in `$CANDLEBOOK_DATA/fashion-mnist`,
/// `$CANDLEBOOK_DATA/FashionMNIST/raw`, `$CANDLEBOOK_DATA`, the cache
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
