//! The IDX format of the MNIST files: a magic number, the dimensions, then bytes; gzipped or not.
//!
//! Source: the description on the MNIST page of LeCun, Cortes and Burges.

use crate::error::{Error, Result};
use std::io::Read;
use std::path::Path;

/// The parts of an IDX file of unsigned bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Idx {
    /// The size in each dimension: `[n, 28, 28]` for pictures, `[n]` for labels.
    pub dims: Vec<usize>,
    /// The values, last dimension fastest.
    pub bytes: Vec<u8>,
}

/// More than this is no picture set but a file that claims nonsense.
const LARGEST: u64 = 8 << 30;

impl Idx {
    /// Reads a file, gzipped or not, of `rank` dimensions.
    ///
    /// # Errors
    /// A file that cannot be read, whose magic number is wrong, or that is shorter or longer than its head says.
    pub fn read(path: impl AsRef<Path>, rank: usize) -> Result<Self> {
        let path = path.as_ref();
        let raw = std::fs::read(path).map_err(Error::io("read", path))?;
        Self::parse(path, &decompress(path, raw)?, rank)
    }

    /// Reads decompressed bytes; `path` is for the error messages.
    ///
    /// # Errors
    /// As [`Idx::read`].
    pub fn parse(path: &Path, bytes: &[u8], rank: usize) -> Result<Self> {
        let head = 4 + 4 * rank;
        let redo = "Delete the file and fetch it again";
        if bytes.len() < head {
            return Err(Error::file(
                path,
                format!("an IDX head of {head} bytes"),
                format!("{} bytes", bytes.len()),
                redo,
            ));
        }
        // 0, 0, type (8 = unsigned byte), number of dimensions
        let magic = [0, 0, 8, rank as u8];
        if bytes[..4] != magic {
            let kind = if rank == 3 { "pictures" } else { "labels" };
            let hint = "Check that this is the right file; pictures end in -idx3-ubyte, labels in -idx1-ubyte";
            let expected = format!("IDX {kind}, magic number {magic:02x?}");
            return Err(Error::file(
                path,
                expected,
                format!("{:02x?}", &bytes[..4]),
                hint,
            ));
        }
        let dims: Vec<usize> = bytes[4..head]
            .chunks_exact(4)
            .map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize)
            .collect();
        let body = &bytes[head..];
        let claimed = dims
            .iter()
            .try_fold(1u64, |all, &d| all.checked_mul(d as u64))
            .filter(|&all| all <= LARGEST);
        if claimed != Some(body.len() as u64) {
            let claimed = claimed.map_or("far too many".into(), |n| n.to_string());
            let expected = format!("{claimed} bytes after the head, for dimensions {dims:?}");
            return Err(Error::file(path, expected, body.len(), redo));
        }
        Ok(Idx {
            dims,
            bytes: body.to_vec(),
        })
    }
}

/// The bytes as they are, or unpacked if they are gzip.
///
/// # Errors
/// Gzip that is cut off or damaged.
pub(crate) fn decompress(path: &Path, raw: Vec<u8>) -> Result<Vec<u8>> {
    if raw.get(..2) != Some(&[0x1f, 0x8b]) {
        return Ok(raw);
    }
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(raw.as_slice())
        .take(LARGEST)
        .read_to_end(&mut out)
        .map_err(|error| {
            Error::file(
                path,
                "whole gzip data",
                error,
                "The file is cut off or damaged: delete it and fetch it again",
            )
        })?;
    Ok(out)
}
