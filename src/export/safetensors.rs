//! Bytes of safetensors files: parsing, `f32` values and errors.

use crate::error::{Error, Result};
use crate::file::Limits;
use safetensors::tensor::{SafeTensors, TensorView};
use std::collections::HashMap;
use std::path::Path;

/// Bytes of the header's length at the start of a file.
pub(crate) const HEADER_LENGTH_BYTES: u64 = 8;

/// A tensor of a file.
pub(crate) struct NamedTensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// Parses a whole file.
///
/// # Errors
/// The bytes are not safetensors, or are truncated.
pub(crate) fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes)
        .map_err(|error| not_safetensors(path, bytes.len() as u64, &error))
}

/// Reads the metadata of a file.
///
/// # Errors
/// The bytes are not safetensors, or end within the header.
pub(crate) fn metadata(path: &Path, bytes: &[u8]) -> Result<HashMap<String, String>> {
    let (_, metadata) = SafeTensors::read_metadata(bytes)
        .map_err(|error| not_safetensors(path, bytes.len() as u64, &error))?;
    Ok(metadata.metadata().clone().unwrap_or_default())
}

/// Checks the header's length, `start`, before the file of `length` bytes is read.
///
/// # Errors
/// The file is shorter than its header, or the header takes too much memory.
pub(crate) fn check_header_length(path: &Path, start: &[u8], length: u64) -> Result<()> {
    let reason = match start.try_into().map(u64::from_le_bytes) {
        Err(_) => "too short for a header".to_owned(),
        Ok(header) if header > length.saturating_sub(HEADER_LENGTH_BYTES) => {
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

/// Values of an `f32` tensor.
pub(crate) fn to_floats(view: &TensorView<'_>) -> Vec<f32> {
    view.data()
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

/// Little-endian bytes of `f32` values.
pub(crate) fn to_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::Dtype;

    #[test]
    fn floats_are_stored_as_little_endian_bytes() {
        let values = [1.0, -0.5, f32::MIN_POSITIVE];
        let bytes = to_bytes(&values);
        assert_eq!(bytes[..4], [0, 0, 0x80, 0x3f]);
        let view = TensorView::new(Dtype::F32, vec![3], &bytes).unwrap();
        assert_eq!(to_floats(&view), values);
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
        let error = metadata(Path::new("ae"), &[1, 2, 3])
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("ae: expected a whole safetensors file, got 3 bytes"),
            "{error}"
        );
    }
}
