//! Bytes of safetensors files: parsing, `f32` values and errors.

use crate::error::{Error, Result};
use crate::file::Limits;
use safetensors::tensor::{Dtype, Metadata, SafeTensors};
use std::collections::BTreeMap;
use std::path::Path;

/// Bytes of the header's length at the start of a file.
pub(crate) const HEADER_LENGTH_BYTES: usize = 8;
/// Messages give the number of dimensions if there are more.
const MAX_PRINTED_DIMS: usize = 16;
/// Longer names are cut in messages.
const MAX_PRINTED_CHARS: usize = 100;

/// A tensor of a file.
pub(crate) struct NamedTensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// A tensor in the bytes of a file.
pub(crate) struct StoredTensor<'a> {
    /// The name that the file gives it.
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: &'a [usize],
    pub(crate) bytes: &'a [u8],
}

impl StoredTensor<'_> {
    /// Name, shape and type, for messages.
    pub(crate) fn describe(&self) -> String {
        let (name, shape, dtype) = (self.short_name(), self.shape, self.dtype);
        if shape.len() > MAX_PRINTED_DIMS {
            return format!("{name} of {} dimensions in {dtype:?}", shape.len());
        }
        format!("{name} {shape:?} in {dtype:?}")
    }

    /// The name, cut if it is too long for a message.
    pub(crate) fn short_name(&self) -> String {
        match self.name.char_indices().nth(MAX_PRINTED_CHARS) {
            Some((end, _)) => format!("{}...", &self.name[..end]),
            None => self.name.clone(),
        }
    }
}

/// A file whose header has been parsed: once, because that takes a second for a header of many
/// tensors.
pub(crate) struct WeightsFile<'a> {
    header: Metadata,
    values: &'a [u8],
}

impl<'a> WeightsFile<'a> {
    /// Parses a whole file.
    ///
    /// # Errors
    /// The bytes are not safetensors, or are truncated.
    pub(crate) fn parse(path: &Path, bytes: &'a [u8]) -> Result<Self> {
        let (length, header) = SafeTensors::read_metadata(bytes)
            .map_err(|error| not_safetensors(path, bytes.len() as u64, &error))?;
        let values = &bytes[HEADER_LENGTH_BYTES + length..];
        Ok(WeightsFile { header, values })
    }

    /// A text of the metadata.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        let texts = self.header.metadata().as_ref()?;
        texts.get(key).map(String::as_str)
    }

    /// The tensors by name.
    pub(crate) fn tensors(&self) -> BTreeMap<String, StoredTensor<'_>> {
        let tensors = self.header.tensors().into_iter();
        tensors
            .map(|(name, info)| {
                let (start, end) = info.data_offsets;
                let tensor = StoredTensor {
                    name: name.clone(),
                    dtype: info.dtype,
                    shape: &info.shape,
                    bytes: self.values.get(start..end).unwrap_or_default(),
                };
                (name, tensor)
            })
            .collect()
    }
}

/// Checks the header's length, `start`, before the file of `length` bytes is read.
///
/// # Errors
/// The file is shorter than its header, or the header takes too much memory.
pub(crate) fn check_header_length(path: &Path, start: &[u8], length: u64) -> Result<()> {
    let reason = match start.try_into().map(u64::from_le_bytes) {
        Err(_) => "too short for a header".to_owned(),
        Ok(header) if header > length.saturating_sub(HEADER_LENGTH_BYTES as u64) => {
            format!("too short for a header of {header} bytes")
        }
        Ok(header) => {
            let fits = Limits::current().check_header(header);
            return fits.map_err(|over| over.of(path));
        }
    };
    Err(not_safetensors(path, length, &reason))
}

fn not_safetensors(path: &Path, length: u64, error: &dyn std::fmt::Display) -> Error {
    Error::file(
        path,
        "a whole safetensors file",
        format!("{length} bytes that are not ({error})"),
        "The file is truncated or of another format: save it again",
    )
}

/// Little-endian bytes of `f32` values.
pub(crate) fn to_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_stored_as_little_endian_bytes() {
        let bytes = to_bytes(&[1.0, -0.5]);
        assert_eq!(bytes, [0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf]);
    }

    #[test]
    fn a_message_lists_neither_millions_of_dimensions_nor_long_names() {
        let stored = |name: &str, shape| StoredTensor {
            name: name.into(),
            dtype: Dtype::F32,
            shape,
            bytes: &[],
        };
        assert_eq!(stored("w", &[3, 2]).describe(), "w [3, 2] in F32");
        let many = vec![0; 8_000_000];
        let text = stored("w", &many).describe();
        assert_eq!(text, "w of 8000000 dimensions in F32");
        let text = stored(&"\u{e9}".repeat(1_000_000), &[3]).describe();
        assert_eq!(text, format!("{}... [3] in F32", "\u{e9}".repeat(100)));
    }

    #[test]
    fn headers_longer_than_the_file_or_the_limit_are_rejected_by_their_length() {
        let error = |header: u64, length| {
            let start = header.to_le_bytes();
            let error = check_header_length(Path::new("ae"), &start, length).unwrap_err();
            error.to_string()
        };
        assert!(check_header_length(Path::new("ae"), &2u64.to_le_bytes(), 10).is_ok());
        assert_eq!(
            error(3, 10),
            "ae: expected a whole safetensors file, got 10 bytes that are not (too short for a \
             header of 3 bytes). The file is truncated or of another format: save it again"
        );
        let large = error(1 << 26, 1 << 30);
        assert!(
            large.starts_with(
                "ae: expected at most 16000000 bytes of header, 1600 per layer, got 67108864. "
            ),
            "{large}"
        );
        let short = check_header_length(Path::new("ae"), &[1, 2, 3], 3).unwrap_err();
        assert!(short.to_string().contains("(too short for a header)"));
    }

    #[test]
    fn truncated_headers_are_reported() {
        let error = WeightsFile::parse(Path::new("ae"), &[1, 2, 3])
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.starts_with("ae: expected a whole safetensors file, got 3 bytes"),
            "{error}"
        );
    }
}
