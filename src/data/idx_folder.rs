//! Folders of pictures in MNIST's file format.

use crate::data::idx::Idx;
use crate::data::split::{Dataset, Split};
use crate::error::{Error, Result};
use crate::file::name_or;
use std::path::{Path, PathBuf};

/// A data set of your own in MNIST's files: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the two of `t10k`,
/// each gzipped (`.gz`) or not. Labels may be absent.
///
/// # Errors
/// A missing, damaged or mismatched file.
///
/// # Examples
/// ```no_run
/// let letters = candlebook::idx_folder("data/letters")?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn idx_folder(folder: impl AsRef<Path>) -> Result<Dataset> {
    let folder = folder.as_ref();
    let read = |split: &str| -> Result<Split> {
        let images = find(folder, &format!("{split}-images-idx3-ubyte")).ok_or_else(|| {
            let hint = "The four files are named as MNIST's, each with or without .gz";
            Error::file(
                folder,
                format!("a file {split}-images-idx3-ubyte[.gz]"),
                "none",
                hint,
            )
        })?;
        let labels = find(folder, &format!("{split}-labels-idx1-ubyte"));
        let images = Idx::read(images, 3)?;
        split_of(images, labels.map(|path| Idx::read(path, 1)).transpose()?)
    };
    let name = name_or(folder, "pictures");
    Dataset::new(
        name,
        folder.display().to_string(),
        read("train")?,
        read("t10k")?,
    )
}

pub(crate) fn split_of(images: Idx, labels: Option<Idx>) -> Result<Split> {
    let shape = (1, images.dims[1], images.dims[2]);
    let labels = labels.map(|labels| labels.bytes.into_iter().map(u32::from).collect());
    Split::from_bytes(images.bytes, shape, labels)
}

/// A file of this name in the folder, plain or gzipped.
pub(crate) fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    [name.to_owned(), format!("{name}.gz")]
        .into_iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}
