//! The IDX format of MNIST's files: a magic number, the dimensions, then bytes; plain or compressed.
//!
//! Source: the description on the MNIST page of LeCun, Cortes and Burges.

use crate::data::dataset::Dataset;
use crate::data::idx_files::IdxFiles;
use crate::data::split::Split;
use crate::error::{Error, Result};
use crate::file::{DataFile, DataSize, FETCH_AGAIN, Limits, Unpacked, append, name_or};
use crate::show::note;
use std::io::Read;
use std::path::Path;

/// First bytes of a zip archive.
const ZIP_MAGIC: &[u8] = b"PK";

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
        Self::read_file(&DataFile::new(path.as_ref()), rank)
    }

    /// Reads a file that may be an entry of an archive.
    pub(crate) fn read_file(file: &DataFile, rank: usize) -> Result<Self> {
        file.read(|path, unpacked| Self::read_claimed(path, unpacked, rank))
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
        Self::read_claimed(path, Unpacked::plain(bytes), rank)
    }

    /// Reads as many bytes as the header claims, after checking the claim.
    fn read_claimed(path: &Path, mut from: Unpacked<'_>, rank: usize) -> Result<Self> {
        let size = from.size();
        let unreadable = |error| size.unreadable(path, error);
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
        let n = check_size(size, path, claimed, header_bytes as u64, wrong_size)?;
        let mut bytes = Vec::new();
        let more = append(&mut bytes, &mut from, n).map_err(unreadable)?;
        if more {
            return Err(wrong_size("more".into()));
        }
        if bytes.len() as u64 != n {
            return Err(wrong_size(bytes.len().to_string()));
        }
        if from.has_trailing_bytes() {
            let path = path.display();
            note(format_args!(
                "{path}: bytes after the gzip data are ignored"
            ));
        }
        Ok(Idx { dims, bytes })
    }
}

/// Checks that data of this size can hold the claimed bytes after its header; returns their number.
fn check_size(
    size: DataSize,
    path: &Path,
    claimed: Option<u64>,
    header_bytes: u64,
    wrong_size: impl Fn(String) -> Error,
) -> Result<u64> {
    match size {
        DataSize::Exact(length) => {
            let body = length.saturating_sub(header_bytes);
            let matching = claimed.filter(|&claimed| claimed == body);
            matching.ok_or_else(|| wrong_size(body.to_string()))
        }
        DataSize::Compressed { packed, most, .. } => {
            let possible = claimed.filter(|&claimed| claimed <= most);
            let claimed = possible.ok_or_else(|| wrong_size(format!("at most {most}")))?;
            let fits = Limits::current().check_unpacked(claimed, packed);
            fits.map_err(|over| over.of(path))?;
            Ok(claimed)
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
    if found.starts_with(ZIP_MAGIC) {
        let hint = "Unpack it, or load its folder with idx_folder";
        return Err(Error::file(path, "IDX data", "a zip archive", hint));
    }
    if found != magic {
        let kind = if rank == 3 { "images" } else { "labels" };
        let expected = format!("IDX {kind}, magic number {magic:02x?}");
        let hint = "Check the file name: images end in -idx3-ubyte, labels in -idx1-ubyte";
        return Err(Error::file(path, expected, format!("{found:02x?}"), hint));
    }
    Ok(())
}

/// Loads a data set in MNIST's file format: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
/// `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`. The label files are optional.
///
/// Names may be in any case, have a dot or an underscore for a dash (`train-images.idx3-ubyte`) and
/// `test` for `t10k`, and lack their end. Each file is plain, gzipped (`.gz`), in a folder of its
/// name, or in a `.zip`: an archive of one file, or of all. `path` is the folder or such an archive.
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
    let mut files = IdxFiles::find(folder);
    for sentence in &files.notes {
        note(sentence);
    }
    let (train, test) = (read_split(&mut files, 0)?, read_split(&mut files, 2)?);
    let name = name_or(folder, "images");
    Dataset::new(name, folder.display().to_string(), train, test)
}

/// Reads the images with this index, and their labels.
fn read_split(files: &mut IdxFiles, images: usize) -> Result<Split> {
    let labels = files.get(images + 1).cloned();
    let images = Idx::read_file(files.require(images)?, 3)?;
    let labels = labels.map(|file| Idx::read_file(&file, 1)).transpose()?;
    split_of(images, labels)
}

/// A split of images (n, h, w) and labels (n).
pub(crate) fn split_of(images: Idx, labels: Option<Idx>) -> Result<Split> {
    let shape = (1, images.dims[1], images.dims[2]);
    let labels = labels.map(|labels| labels.bytes.into_iter().map(u32::from).collect());
    Split::from_bytes(images.bytes, shape, labels)
}
