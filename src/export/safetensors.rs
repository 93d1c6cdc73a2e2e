//! Bytes of safetensors files: parsing, `f32` values and errors.

use crate::error::{Error, Result};
use safetensors::tensor::{SafeTensors, TensorView};
use std::collections::HashMap;
use std::path::Path;

/// Parses a whole file.
///
/// # Errors
/// The bytes are not safetensors, or are truncated.
pub(crate) fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes).map_err(|error| not_safetensors(path, bytes, &error))
}

/// Reads the metadata of a file.
///
/// # Errors
/// The bytes are not safetensors, or end within the header.
pub(crate) fn metadata(path: &Path, bytes: &[u8]) -> Result<HashMap<String, String>> {
    let (_, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|error| not_safetensors(path, bytes, &error))?;
    Ok(metadata.metadata().clone().unwrap_or_default())
}

fn not_safetensors(path: &Path, bytes: &[u8], error: &dyn std::fmt::Display) -> Error {
    Error::file(
        path,
        "a whole safetensors file",
        format!("{} bytes that are not ({error})", bytes.len()),
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
