//! The IDX format of MNIST's files: a magic number, the dimensions, then bytes; gzipped or not.
//!
//! Source: the description on the MNIST page of LeCun, Cortes and Burges.

use crate::data::dataset::Dataset;
use crate::data::locations::plain_or_gzipped;
use crate::data::split::Split;
use crate::error::{Error, Result};
use crate::file::name_or;
use std::io::Read;
use std::path::Path;

/// Size limit for corrupt headers and gzip bombs.
const MAX_DATA_BYTES: u64 = 8 << 30;
const FETCH_AGAIN: &str = "Delete the file and download it again";

/// An IDX file of unsigned bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Idx {
    /// Dimensions: `[n, 28, 28]` for images, `[n]` for labels.
    pub dims: Vec<usize>,
    /// Values, last dimension fastest.
    pub bytes: Vec<u8>,
}

impl Idx {
    /// Reads a file of `rank` dimensions, gzipped or not.
    ///
    /// # Errors
    /// If the file cannot be read, its magic number is wrong, or its length does not match its
    /// header.
    ///
    /// # Examples
    /// ```no_run
    /// let images = candlebook::data::Idx::read("train-images-idx3-ubyte.gz", 3)?;
    /// assert_eq!(images.dims, [60_000, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn read(path: impl AsRef<Path>, rank: usize) -> Result<Self> {
        let path = path.as_ref();
        let raw = std::fs::read(path).map_err(Error::io("read", path))?;
        Self::parse(path, &decompress(path, raw)?, rank)
    }

    /// Parses decompressed bytes; `path` names them in error messages.
    ///
    /// # Errors
    /// As [`Idx::read`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::data::Idx;
    /// // Two labels: type u8, rank 1, length 2.
    /// let labels = Idx::parse("labels".as_ref(), &[0, 0, 8, 1, 0, 0, 0, 2, 7, 3], 1)?;
    /// assert_eq!(labels.dims, [2]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn parse(path: &Path, bytes: &[u8], rank: usize) -> Result<Self> {
        let header = 4 + 4 * rank;
        if bytes.len() < header {
            let expected = format!("an IDX header of {header} bytes");
            return Err(Error::file(
                path,
                expected,
                format!("{} bytes", bytes.len()),
                FETCH_AGAIN,
            ));
        }
        check_magic(path, &bytes[..4], rank)?;
        let dims: Vec<usize> = bytes[4..header]
            .chunks_exact(4)
            .map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize)
            .collect();
        let body = &bytes[header..];
        let claimed = dims
            .iter()
            .try_fold(1u64, |product, &d| product.checked_mul(d as u64))
            .filter(|&bytes| bytes <= MAX_DATA_BYTES);
        if claimed != Some(body.len() as u64) {
            let claimed = claimed.map_or("far too many".into(), |n| n.to_string());
            let expected = format!("{claimed} bytes after the header, for dimensions {dims:?}");
            return Err(Error::file(path, expected, body.len(), FETCH_AGAIN));
        }
        Ok(Idx {
            dims,
            bytes: body.to_vec(),
        })
    }
}

fn check_magic(path: &Path, found: &[u8], rank: usize) -> Result<()> {
    // 0, 0, type (8 = unsigned byte), number of dimensions
    let magic = [0, 0, 8, rank as u8];
    if found != magic {
        let kind = if rank == 3 { "images" } else { "labels" };
        let expected = format!("IDX {kind}, magic number {magic:02x?}");
        let hint = "Check the file name: images end in -idx3-ubyte, labels in -idx1-ubyte";
        return Err(Error::file(path, expected, format!("{found:02x?}"), hint));
    }
    Ok(())
}

/// Decompresses gzip; other bytes are returned unchanged.
///
/// # Errors
/// If the gzip data is truncated or damaged.
pub(crate) fn decompress(path: &Path, raw: Vec<u8>) -> Result<Vec<u8>> {
    if raw.get(..2) != Some(&[0x1f, 0x8b]) {
        return Ok(raw);
    }
    let mut bytes = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(raw.as_slice()).take(MAX_DATA_BYTES);
    decoder
        .read_to_end(&mut bytes)
        .map_err(|error| Error::file(path, "complete gzip data", error, FETCH_AGAIN))?;
    Ok(bytes)
}

/// Loads a data set in MNIST's file format: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
/// `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each plain or gzipped (`.gz`). The label
/// files are optional.
///
/// # Shapes
/// (1, h, w).
///
/// # Errors
/// If a file is missing or damaged, or the files do not match each other.
///
/// # Examples
/// ```no_run
/// let letters = candlebook::data::idx_folder("data/letters")?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn idx_folder(path: impl AsRef<Path>) -> Result<Dataset> {
    let folder = path.as_ref();
    let source = folder.display().to_string();
    let name = name_or(folder, "images");
    Dataset::new(
        name,
        source,
        read_split(folder, "train")?,
        read_split(folder, "t10k")?,
    )
}

fn read_split(folder: &Path, split: &str) -> Result<Split> {
    let name = format!("{split}-images-idx3-ubyte");
    let images = plain_or_gzipped(folder, &name).ok_or_else(|| {
        let hint = "Name the four files as MNIST's, each with or without .gz";
        Error::file(folder, format!("a file {name}[.gz]"), "none", hint)
    })?;
    let labels = plain_or_gzipped(folder, &format!("{split}-labels-idx1-ubyte"));
    let labels = labels.map(|path| Idx::read(path, 1)).transpose()?;
    split_of(Idx::read(images, 3)?, labels)
}

/// A split of images (n, h, w) and labels (n).
pub(crate) fn split_of(images: Idx, labels: Option<Idx>) -> Result<Split> {
    let shape = (1, images.dims[1], images.dims[2]);
    let labels = labels.map(|labels| labels.bytes.into_iter().map(u32::from).collect());
    Split::from_bytes(images.bytes, shape, labels)
}
