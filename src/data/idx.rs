//! The IDX format of MNIST's files: a magic number, the dimensions, then bytes; gzipped or not.
//!
//! Source: the description on the MNIST page of LeCun, Cortes and Burges.

use crate::data::dataset::Dataset;
use crate::data::locations::plain_or_gzipped;
use crate::data::split::Split;
use crate::error::{Error, Result};
use crate::file::{Limits, append, max_inflated, name_or, open_file};
use flate2::bufread::GzDecoder;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
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
    /// If the file cannot be read, its magic number is wrong, its length does not match its
    /// header, or it unpacks to more than [`Limits::unpacked_bytes`].
    ///
    /// # Examples
    /// ```no_run
    /// let images = candlebook::data::Idx::read("train-images-idx3-ubyte.gz", 3)?;
    /// assert_eq!(images.dims, [60_000, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn read(path: impl AsRef<Path>, rank: usize) -> Result<Self> {
        let path = path.as_ref();
        let (file, length) = open_file(path)?;
        let mut file = BufReader::new(file);
        let start = file.fill_buf().map_err(Error::io("read", path))?;
        if start.starts_with(&GZIP_MAGIC) {
            let inflate = GzDecoder::new(file);
            return Self::read_claimed(path, inflate, rank, FileSize::Gzip(length));
        }
        Self::read_claimed(path, file, rank, FileSize::Plain(length))
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
        let size = FileSize::Plain(bytes.len() as u64);
        Self::read_claimed(path, bytes, rank, size)
    }

    /// Reads as many bytes as the header claims, after checking the claim.
    fn read_claimed(path: &Path, mut from: impl Read, rank: usize, size: FileSize) -> Result<Self> {
        let unreadable = |error: std::io::Error| match size {
            FileSize::Plain(_) => Error::io("read", path)(error),
            FileSize::Gzip(_) => Error::file(path, "complete gzip data", error, FETCH_AGAIN),
        };
        let header_bytes = 4 + 4 * rank;
        let mut header = Vec::new();
        from.by_ref()
            .take(header_bytes as u64)
            .read_to_end(&mut header)
            .map_err(unreadable)?;
        if header.len() < header_bytes {
            let expected = format!("an IDX header of {header_bytes} bytes");
            let got = format!("{} bytes", header.len());
            return Err(Error::file(path, expected, got, FETCH_AGAIN));
        }
        check_magic(path, &header[..4], rank)?;
        let dims: Vec<usize> = header[4..]
            .chunks_exact(4)
            .map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize)
            .collect();
        let claimed = claimed_bytes(&dims);
        let wrong_size = |got: String| {
            let claimed = claimed.map_or("far too many".into(), |n| n.to_string());
            let expected = format!("{claimed} bytes after the header, for dimensions {dims:?}");
            Error::file(path, expected, got, FETCH_AGAIN)
        };
        let n = size.check(path, claimed, header_bytes as u64, wrong_size)?;
        let mut bytes = Vec::new();
        let more = append(&mut bytes, from, n).map_err(unreadable)?;
        if more {
            return Err(wrong_size("more".into()));
        }
        if bytes.len() as u64 != n {
            return Err(wrong_size(bytes.len().to_string()));
        }
        Ok(Idx { dims, bytes })
    }
}

/// Size of a file in bytes, and whether it is compressed.
#[derive(Clone, Copy)]
enum FileSize {
    Plain(u64),
    Gzip(u64),
}

impl FileSize {
    /// Checks that the file can hold the claimed bytes after its header; returns their number.
    fn check(
        self,
        path: &Path,
        claimed: Option<u64>,
        header_bytes: u64,
        wrong_size: impl Fn(String) -> Error,
    ) -> Result<u64> {
        match self {
            FileSize::Plain(length) => {
                let body = length.saturating_sub(header_bytes);
                let matching = claimed.filter(|&claimed| claimed == body);
                matching.ok_or_else(|| wrong_size(body.to_string()))
            }
            FileSize::Gzip(packed) => {
                let most = max_inflated(packed);
                let possible = claimed.filter(|&claimed| claimed <= most);
                let claimed = possible.ok_or_else(|| wrong_size(format!("at most {most}")))?;
                let fits = Limits::current().check_unpacked(claimed, packed);
                fits.map_err(|over| over.of(path))?;
                Ok(claimed)
            }
        }
    }
}

fn claimed_bytes(dims: &[usize]) -> Option<u64> {
    dims.iter()
        .try_fold(1u64, |product, &d| product.checked_mul(d as u64))
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

/// Decompresses gzip of at most `max_bytes`; other bytes are returned unchanged.
///
/// # Errors
/// If the gzip data is truncated, damaged or larger.
pub(crate) fn decompress(path: &Path, raw: Vec<u8>, max_bytes: u64) -> Result<Vec<u8>> {
    if !raw.starts_with(&GZIP_MAGIC) {
        return Ok(raw);
    }
    let mut bytes = Vec::new();
    let most = max_bytes.min(max_inflated(raw.len() as u64));
    let more = append(&mut bytes, GzDecoder::new(raw.as_slice()), most)
        .map_err(|error| Error::file(path, "complete gzip data", error, FETCH_AGAIN))?;
    if more {
        let expected = format!("at most {max_bytes} bytes after decompression");
        return Err(Error::file(path, expected, "more", FETCH_AGAIN));
    }
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
