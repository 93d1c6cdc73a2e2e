//! Values of floating-point tensors as `f32`.

use crate::error::{Error, Result};
use crate::export::safetensors::StoredTensor;
use half::{bf16, f16};
use safetensors::tensor::Dtype;
use std::path::Path;

/// Converts the values of a tensor: F16 and BF16 exactly, F64 to the nearest `f32`.
///
/// # Errors
/// The tensor is not of floating-point numbers, or a finite value is out of the range of `f32`.
pub(crate) fn floats(path: &Path, tensor: &StoredTensor<'_>) -> Result<Vec<f32>> {
    match tensor.dtype {
        Dtype::F32 => Ok(converted(tensor, f32::from_le_bytes)),
        Dtype::F16 => Ok(converted(tensor, |bytes| f16::from_le_bytes(bytes).into())),
        Dtype::BF16 => Ok(converted(tensor, |bytes| bf16::from_le_bytes(bytes).into())),
        Dtype::F64 => rounded(path, tensor),
        _ => Err(Error::file(
            path,
            "weights in F32, F16, BF16 or F64",
            tensor.describe(),
            "Save floats: in PyTorch, model.float(); quantized weights must be multiplied by their \
             scales",
        )),
    }
}

fn converted<const N: usize, T>(
    tensor: &StoredTensor<'_>,
    convert: impl Fn([u8; N]) -> T,
) -> Vec<T> {
    let (values, _) = tensor.bytes.as_chunks();
    values.iter().map(|bytes| convert(*bytes)).collect()
}

fn rounded(path: &Path, tensor: &StoredTensor<'_>) -> Result<Vec<f32>> {
    let values = converted(tensor, f64::from_le_bytes);
    let is_too_large = |value: &f64| value.is_finite() && (*value as f32).is_infinite();
    if let Some(i) = values.iter().position(is_too_large) {
        return Err(Error::file(
            path,
            format!("values of at most {:e}, the largest f32", f32::MAX),
            format!("{:e} at index {i} of {}", values[i], tensor.describe()),
            "Weights are computed in f32. Values this large come from a run that diverged",
        ));
    }
    Ok(values.into_iter().map(|value| value as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(dtype: Dtype, bytes: &[u8]) -> StoredTensor<'_> {
        StoredTensor {
            name: "w".into(),
            dtype,
            shape: &[3],
            bytes,
        }
    }

    fn error(dtype: Dtype, bytes: &[u8]) -> String {
        let error = floats(Path::new("ae"), &stored(dtype, bytes)).unwrap_err();
        error.to_string()
    }

    /// ```python
    /// values = np.array([0.1, -2.5, 6e-8])
    /// [values.astype(t).astype("float32").tolist() for t in ("float16", "float64")]
    /// [list(values.astype(t).tobytes()) for t in ("float16", "float64")]
    /// torch.tensor(values).to(torch.bfloat16)  # the upper 16 bits of f32, rounded
    /// ```
    #[test]
    fn halves_are_exact_and_doubles_are_rounded() {
        let read = |dtype, bytes: &[u8]| floats(Path::new("ae"), &stored(dtype, bytes)).unwrap();
        let halves = [0x66, 0x2e, 0x00, 0xc1, 0x01, 0x00];
        assert_eq!(
            read(Dtype::F16, &halves),
            [0.099_975_586, -2.5, 5.960_464_5e-8]
        );
        let brains = [0xcd, 0x3d, 0x20, 0xc0, 0x81, 0x33];
        assert_eq!(
            read(Dtype::BF16, &brains),
            [0.100_097_656, -2.5, 6.007_030_6e-8]
        );
        let doubles = [0.1f64, -2.5, 1e-50].map(f64::to_le_bytes).concat();
        assert_eq!(read(Dtype::F64, &doubles), [0.1, -2.5, 0.0]);
    }

    #[test]
    fn nan_and_infinity_are_kept_and_larger_doubles_are_errors() {
        let doubles = [f64::NAN, f64::INFINITY, -1.0]
            .map(f64::to_le_bytes)
            .concat();
        let read = floats(Path::new("ae"), &stored(Dtype::F64, &doubles)).unwrap();
        assert!(read[0].is_nan());
        assert_eq!(read[1..], [f32::INFINITY, -1.0]);
        let doubles = [3.4e38f64, -1e39, f64::NAN].map(f64::to_le_bytes).concat();
        assert_eq!(
            error(Dtype::F64, &doubles),
            "ae: expected values of at most 3.4028235e38, the largest f32, got -1e39 at index 1 of \
             w [3] in F64. Weights are computed in f32. Values this large come from a run that \
             diverged"
        );
    }

    #[test]
    fn integers_and_eight_bit_floats_are_errors() {
        for dtype in [Dtype::I8, Dtype::BOOL, Dtype::F8_E4M3, Dtype::I64] {
            let text = error(dtype, &[0; 24]);
            let expected = format!(
                "ae: expected weights in F32, F16, BF16 or F64, got w [3] in {dtype:?}. Save floats"
            );
            assert!(text.starts_with(&expected), "{text}");
        }
    }
}
