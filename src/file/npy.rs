//! NumPy's files: arrays of numbers from `.npy` and `.npz`.
//!
//! A header may claim any size, so it is compared with the file's before memory is allocated.

use crate::error::{Error, Result};
use crate::file::limits::{Limits, max_inflated};
use crate::file::npy_header::{Kind, NpyHeader, NpyType};
use crate::file::read::{append, open_file};
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Magic number and version.
const START_BYTES: usize = 8;
/// Major and minor.
const VERSIONS: [(u8, u8); 3] = [(1, 0), (2, 0), (3, 0)];
/// Headers of plain arrays have 118 bytes.
const MAX_HEADER_BYTES: usize = 1 << 16;
const MAX_LISTED_NAMES: usize = 20;

/// An array as stored in a file.
#[derive(Debug)]
pub(crate) struct NpyArray {
    header: NpyHeader,
    bytes: Vec<u8>,
    /// Its compressed size in bytes; `None` if it is not compressed.
    packed: Option<u64>,
}

impl NpyArray {
    /// Reads a `.npy` file.
    ///
    /// # Errors
    /// If the file is not a complete array of numbers.
    pub(crate) fn open(path: &Path) -> Result<NpyArray> {
        let (file, length) = open_file(path)?;
        let size = Size {
            length,
            packed: None,
        };
        NpyArray::read(path, BufReader::new(file), size)
    }

    /// Reads an array of a `.npz` archive by its name, with or without `.npy`.
    ///
    /// # Errors
    /// If the archive is damaged, or has no complete array of that name.
    pub(crate) fn open_in_archive(path: &Path, name: &str) -> Result<NpyArray> {
        let (mut archive, archive_bytes) = open_archive(path)?;
        let entry = format!("{}.npy", name.trim_end_matches(".npy"));
        if archive.index_for_name(&entry).is_none() {
            let expected = format!("an array {name}");
            return Err(Error::file(
                path,
                expected,
                listed(&names(&archive)),
                "Use one of its names",
            ));
        }
        let entry = archive
            .by_name(&entry)
            .map_err(|error| damaged(path, error))?;
        let stored = entry.compression() == zip::CompressionMethod::Stored;
        let packed = entry.compressed_size().min(archive_bytes);
        let size = Size {
            length: entry.size(),
            packed: (!stored).then_some(packed),
        };
        let max_length = if stored { packed } else { max_inflated(packed) };
        let path = path.join(name);
        if size.length > max_length {
            let expected = format!("at most {max_length} bytes in {packed} of the archive");
            return Err(invalid(&path, &expected, size.length.to_string()));
        }
        NpyArray::read(&path, entry, size)
    }

    /// The names of the arrays in a `.npz` archive, without `.npy`.
    ///
    /// # Errors
    /// If the archive is damaged.
    pub(crate) fn names_in_archive(path: &Path) -> Result<Vec<String>> {
        Ok(names(&open_archive(path)?.0))
    }

    /// Reads an array.
    fn read(path: &Path, mut from: impl Read, size: Size) -> Result<NpyArray> {
        let Head {
            header,
            bytes: head_bytes,
        } = Head::read(path, &mut from)?;
        let claimed = header.data_bytes();
        let available = size.length.saturating_sub(head_bytes as u64);
        if claimed != Some(available) {
            let claimed = claimed.map_or("far too many".into(), |bytes| bytes.to_string());
            let dims = &header.dims;
            let expected = format!("{claimed} bytes after the header, for shape {dims:?}");
            return Err(invalid(path, &expected, available.to_string()));
        }
        if let Some(packed) = size.packed {
            let fits = Limits::current().check_unpacked(available, packed);
            fits.map_err(|over| over.of(path))?;
        }
        let mut bytes = Vec::new();
        let more = append(&mut bytes, from, available)
            .map_err(|error| invalid(path, "complete data", error.to_string()))?;
        // An archive may lie about an entry's size.
        if more || bytes.len() as u64 != available {
            let expected = format!("{available} bytes after the header");
            let got = if more {
                "more".into()
            } else {
                bytes.len().to_string()
            };
            return Err(invalid(path, &expected, got));
        }
        Ok(NpyArray {
            header,
            bytes,
            packed: size.packed,
        })
    }

    /// The compressed size in bytes; `None` if the array is not compressed.
    pub(crate) fn packed(&self) -> Option<u64> {
        self.packed
    }

    /// The type of the values.
    pub(crate) fn dtype(&self) -> NpyType {
        self.header.dtype
    }

    /// The shape.
    pub(crate) fn dims(&self) -> &[usize] {
        &self.header.dims
    }

    /// The values' bytes, in the file's order.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The bytes, in the file's order.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The offsets, in values, that read the array in C order after its axes are permuted; `None`
    /// in `axes` inserts an axis of length 1. Returns `None` if the file has this order already.
    pub(crate) fn permutation(
        &self,
        axes: [Option<usize>; 4],
    ) -> Option<impl Iterator<Item = usize> + use<>> {
        let NpyHeader {
            fortran_order,
            dims,
            ..
        } = &self.header;
        if !fortran_order && axes.iter().flatten().is_sorted() {
            return None;
        }
        let stride = |axis: usize| -> usize {
            let faster = if *fortran_order {
                &dims[..axis]
            } else {
                &dims[axis + 1..]
            };
            faster.iter().product()
        };
        let [n, c, h, w] = axes.map(|axis| axis.map_or((1, 0), |axis| (dims[axis], stride(axis))));
        let along = |(length, stride): (usize, usize)| (0..length).map(move |i| i * stride);
        Some(along(n).flat_map(move |n| {
            along(c)
                .flat_map(move |c| along(h).flat_map(move |h| along(w).map(move |w| n + c + h + w)))
        }))
    }

    /// A value as little-endian bytes, padded with zeros.
    fn value(&self, at: usize) -> [u8; 8] {
        let NpyType {
            bytes: width,
            big_endian,
            ..
        } = self.header.dtype;
        let mut value = [0; 8];
        value[..width].copy_from_slice(&self.bytes[at * width..][..width]);
        if big_endian {
            value[..width].reverse();
        }
        value
    }

    /// The value at an offset of an array of floats.
    pub(crate) fn float(&self, at: usize) -> f64 {
        let bytes = self.value(at);
        match self.header.dtype.bytes {
            2 => half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f64(),
            4 => f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
            _ => f64::from_le_bytes(bytes),
        }
    }

    /// The value at an offset of an array of integers.
    pub(crate) fn integer(&self, at: usize) -> i128 {
        let bits = u64::from_le_bytes(self.value(at));
        match self.header.dtype.kind {
            // Sign extension.
            Kind::Signed => {
                let unused = 64 - 8 * self.header.dtype.bytes as u32;
                i128::from((bits << unused) as i64 >> unused)
            }
            _ => i128::from(bits),
        }
    }

    /// The indices of the value at an offset.
    pub(crate) fn indices(&self, mut at: usize) -> Vec<usize> {
        let NpyHeader {
            fortran_order,
            dims,
            ..
        } = &self.header;
        let mut indices = vec![0; dims.len()];
        let mut divide = |axis: usize| {
            indices[axis] = at % dims[axis];
            at /= dims[axis];
        };
        if *fortran_order {
            (0..dims.len()).for_each(divide)
        } else {
            (0..dims.len()).rev().for_each(&mut divide)
        }
        indices
    }
}

/// Size of a file or of an archive's entry, in bytes.
#[derive(Clone, Copy)]
struct Size {
    /// Unpacked.
    length: u64,
    /// Compressed; `None` if it is not compressed.
    packed: Option<u64>,
}

/// The start of a file, up to the values.
struct Head {
    header: NpyHeader,
    /// Its length in the file.
    bytes: usize,
}

impl Head {
    fn read(path: &Path, from: &mut impl Read) -> Result<Head> {
        let incomplete =
            |error: std::io::Error| invalid(path, "a complete header", error.to_string());
        let mut start = [0; START_BYTES];
        match from.read_exact(&mut start) {
            // Not the end, but a compression of an archive that is not supported.
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => {
                return Err(incomplete(error));
            }
            Ok(()) if start[..MAGIC.len()] == *MAGIC => {}
            _ => return Err(invalid(path, "a NumPy array", "another file format".into())),
        }
        let [.., major, minor] = start;
        if !VERSIONS.contains(&(major, minor)) {
            let expected = "version 1.0, 2.0 or 3.0 of the format";
            return Err(invalid(path, expected, format!("{major}.{minor}")));
        }
        // Version 1 stores the header's length in two bytes, later ones in four.
        let mut size = [0; 4];
        let size_bytes = if major == 1 { 2 } else { 4 };
        from.read_exact(&mut size[..size_bytes])
            .map_err(incomplete)?;
        let length = u32::from_le_bytes(size) as usize;
        if length > MAX_HEADER_BYTES {
            return Err(invalid(
                path,
                "the header of a plain array",
                format!("{length} bytes"),
            ));
        }
        let mut text = vec![0; length];
        from.read_exact(&mut text).map_err(incomplete)?;
        let text = String::from_utf8_lossy(&text);
        let header = NpyHeader::parse(&text).ok_or_else(|| {
            let expected = "the header of a plain array of numbers";
            invalid(path, expected, text.trim_end().chars().take(120).collect())
        })?;
        Ok(Head {
            header,
            bytes: START_BYTES + size_bytes + length,
        })
    }
}

fn invalid(path: &Path, expected: &str, got: String) -> Error {
    Error::file(
        path,
        expected,
        got,
        "Write it again with numpy.save, as a plain array",
    )
}

type Archive = zip::ZipArchive<BufReader<File>>;

/// Opens an archive; returns its size in bytes too.
fn open_archive(path: &Path) -> Result<(Archive, u64)> {
    let (file, length) = open_file(path)?;
    let archive = zip::ZipArchive::new(BufReader::new(file));
    Ok((archive.map_err(|error| damaged(path, error))?, length))
}

fn damaged(path: &Path, error: zip::result::ZipError) -> Error {
    Error::file(
        path,
        "a complete .npz archive",
        error,
        "Write it again with numpy.savez",
    )
}

fn names(archive: &Archive) -> Vec<String> {
    let names = archive.file_names().flatten();
    names
        .map(|name| name.trim_end_matches(".npy").to_owned())
        .collect()
}

/// Names for an error message.
pub(crate) fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "an empty archive".into();
    }
    names[..names.len().min(MAX_LISTED_NAMES)].join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(descr: &str, fortran_order: &str, shape: &str, bytes: &[u8]) -> NpyArray {
        let text =
            format!("{{'descr': '{descr}', 'fortran_order': {fortran_order}, 'shape': {shape}, }}");
        let header = (text.len() as u16).to_le_bytes();
        let file = [b"\x93NUMPY\x01\x00", &header[..], text.as_bytes(), bytes].concat();
        let size = Size {
            length: file.len() as u64,
            packed: None,
        };
        NpyArray::read(Path::new("x.npy"), file.as_slice(), size).unwrap()
    }

    #[test]
    fn integers_are_sign_extended_and_big_endian_ones_reversed() {
        let signed = array("<i2", "False", "(2,)", &[0xfe, 0xff, 2, 1]);
        assert_eq!((signed.integer(0), signed.integer(1)), (-2, 258));
        let unsigned = array(">u2", "False", "(1,)", &[0xff, 0xfe]);
        assert_eq!(unsigned.integer(0), 0xfffe);
    }

    #[test]
    fn a_permutation_reads_fortran_order_and_trailing_channels() {
        let axes = [Some(0), None, Some(1), Some(2)];
        let c = array("|u1", "False", "(1, 2, 3)", &[0, 1, 2, 3, 4, 5]);
        assert!(c.permutation(axes).is_none());
        let fortran = array("|u1", "True", "(1, 2, 3)", &[0, 3, 1, 4, 2, 5]);
        let offsets: Vec<usize> = fortran.permutation(axes).unwrap().collect();
        let values: Vec<u8> = offsets.iter().map(|&at| fortran.bytes()[at]).collect();
        assert_eq!(values, [0, 1, 2, 3, 4, 5]);
        assert_eq!(
            (fortran.indices(3), c.indices(3)),
            (vec![0, 1, 1], vec![0, 1, 0])
        );
    }
}
