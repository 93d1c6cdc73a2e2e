//! Values of tensors that users pass in: converted to `f32` and checked.
//!
//! A pixel of 255 or a NaN would train without an error, and the result would be wrong.

use crate::cpu_values;
use crate::data::pixels::to_floats;
use crate::error::{Error, Result};
use crate::math::{Interval, any};
use candle_core::{DType, Device, Layout, Storage, Tensor, WithDType};

/// All finite `f32`s.
const FINITE: Interval = Interval::new(f32::MIN as f64, f32::MAX as f64);

/// Images as `f32` in [0, 1]. Bytes (`u8`) are divided by 255.
///
/// # Errors
/// If a value is NaN or outside [0, 1]. `what` names the caller, and the message the place of the
/// first such value.
pub(crate) fn to_pixels(what: &str, images: &Tensor) -> Result<Tensor> {
    if images.dtype() == DType::U8 {
        let bytes = images.flatten_all()?.to_vec1()?;
        let mut values = vec![0f32; bytes.len()];
        to_floats(&bytes, &mut values);
        return Ok(Tensor::from_vec(values, images.dims(), images.device())?);
    }
    let images = images.to_dtype(DType::F32)?;
    let Some((value, place)) = first_outside(&images, Interval::UNIT)? else {
        return Ok(images);
    };
    let hint = if !value.is_finite() {
        "Remove the images that have such values"
    } else if value > 2.0 {
        "Divide bytes by 255: (images / 255.0)?. For numbers of any range see Split::vectors"
    } else {
        "Keep noisy images in the range with .clamp(0f32, 1f32)?. For numbers of any range see \
         Split::vectors"
    };
    let got = format!("{value} at {place:?}");
    Err(Error::shape(what, "floats in [0, 1]", got, hint))
}

/// Vectors or codes as finite `f32`.
///
/// # Errors
/// If a value is NaN or infinite, or the type is `u8`, which stands for pixels.
pub(crate) fn to_finite(what: &str, values: &Tensor) -> Result<Tensor> {
    if values.dtype() == DType::U8 {
        let hint = "Convert them with .to_dtype(DType::F32)?";
        return Err(Error::shape(what, "floats", "bytes", hint));
    }
    let values = values.to_dtype(DType::F32)?;
    let Some((value, place)) = first_outside(&values, FINITE)? else {
        return Ok(values);
    };
    let got = format!("{value} at {place:?}");
    let hint = "Remove or replace such values";
    Err(Error::shape(what, "finite numbers", got, hint))
}

/// The first value that is NaN or outside an interval, and its indices.
fn first_outside(tensor: &Tensor, allowed: Interval) -> Result<Option<(f32, Vec<usize>)>> {
    let tensor = tensor.to_device(&Device::Cpu)?.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    let values = floats(&storage, layout).unwrap_or_default();
    let (low, high) = (allowed.low as f32, allowed.high as f32);
    let inside = |value: f32| (low <= value) & (value <= high);
    if !any(values, |value| !inside(value)) {
        return Ok(None);
    }
    let first = values.iter().position(|value| !inside(*value));
    Ok(first.map(|at| (values[at], indices(at, tensor.dims()))))
}

/// Values of a contiguous tensor on the CPU; `None` for another one.
pub(crate) fn floats<'a, T: WithDType>(storage: &'a Storage, layout: &Layout) -> Option<&'a [T]> {
    match storage {
        Storage::Cpu(storage) => cpu_values::values(storage, layout).ok(),
        _ => None,
    }
}

/// Indices of the value at an offset.
fn indices(mut offset: usize, dims: &[usize]) -> Vec<usize> {
    let mut indices: Vec<usize> = dims
        .iter()
        .rev()
        .map(|&size| {
            let index = offset % size;
            offset /= size;
            index
        })
        .collect();
    indices.reverse();
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(change: impl Fn(&mut [f32])) -> Tensor {
        let mut values: Vec<f32> = (0..9000).map(|i| (i % 10) as f32 / 10.0).collect();
        change(&mut values);
        Tensor::from_vec(values, (9, 10, 100), &Device::Cpu).unwrap()
    }

    fn error(result: Result<Tensor>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn the_first_wrong_pixel_is_named_with_its_place() {
        assert!(to_pixels("encode", &tensor(|_| ())).is_ok());
        let late = tensor(|values| values[8123] = 255.0);
        assert_eq!(
            error(to_pixels("encode", &late)),
            "encode: expected floats in [0, 1], got 255 at [8, 1, 23]. Divide bytes by 255: \
             (images / 255.0)?. For numbers of any range see Split::vectors"
        );
        let missing = tensor(|values| values[1] = f32::NAN);
        assert_eq!(
            error(to_pixels("fit", &missing)),
            "fit: expected floats in [0, 1], got NaN at [0, 0, 1]. Remove the images that have \
             such values"
        );
        let transposed = tensor(|values| values[100] = -0.5).t().unwrap();
        assert!(error(to_pixels("encode", &transposed)).contains("got -0.5 at [0, 0, 1]. Keep"));
    }

    #[test]
    fn numbers_of_any_range_are_finite() {
        let large = tensor(|values| values[0] = -1e30);
        assert!(to_finite("decode", &large).is_ok());
        let infinite = tensor(|values| values[5000] = f32::INFINITY);
        assert_eq!(
            error(to_finite("decode", &infinite)),
            "decode: expected finite numbers, got inf at [5, 0, 0]. Remove or replace such values"
        );
        let bytes = Tensor::zeros(3, DType::U8, &Device::Cpu).unwrap();
        assert!(error(to_finite("decode", &bytes)).contains("expected floats, got bytes"));
    }

    #[test]
    fn bytes_are_divided_by_255_and_other_types_converted() {
        let bytes = Tensor::new(&[0u8, 51, 255], &Device::Cpu).unwrap();
        let pixels = to_pixels("encode", &bytes).unwrap();
        assert_eq!(pixels.to_vec1::<f32>().unwrap(), [0.0, 0.2, 1.0]);
        let mask = Tensor::new(&[0i64, 1], &Device::Cpu).unwrap();
        assert_eq!(to_pixels("encode", &mask).unwrap().dtype(), DType::F32);
        let half = mask.to_dtype(DType::F16).unwrap();
        assert_eq!(to_pixels("encode", &half).unwrap().dtype(), DType::F32);
    }
}
