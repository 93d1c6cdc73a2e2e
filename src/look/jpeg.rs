//! JPEG as a baseline for learned codes: quality at the same number of bytes.

use crate::error::{Error, Result};
use crate::file::decode_image;
use crate::show::Images;
use candle_core::{DType, Device, Tensor};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

/// Images compressed as JPEG and decoded again.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let compressed = look::jpeg(photographs(16)?.test.first(2)?, 75)?;
/// assert_eq!(compressed.images.dims(), [2, 3, 16, 16]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Jpeg {
    /// Quality, from 1 (smallest file) to 100 (best image).
    pub quality: u8,
    /// Mean bytes per image, without the header and its tables, which are the same for all images.
    pub bytes: f64,
    /// Mean squared error over images, channels and pixels.
    pub error: f64,
    /// Decoded images: (n, 3, h, w) in [0, 1].
    pub images: Tensor,
}

/// Compresses color images as baseline JPEG of a quality from 1 to 100, and decodes them.
///
/// # Shapes
/// (n, 3, h, w), up to 65,535 pixels wide and high
///
/// # Errors
/// The quality is out of range, the images do not have 3 channels, or a value is NaN or infinite.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let images = photographs(16)?.test.first(4)?;
/// assert!(look::jpeg(&images, 90)?.error < look::jpeg(&images, 10)?.error);
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn jpeg(images: impl Images, quality: u8) -> Result<Jpeg> {
    check_quality(quality)?;
    let images = images.images()?.to_device(&Device::Cpu)?;
    let images = images.to_dtype(DType::F32)?;
    check_images(&images)?;
    let (n, c, h, w) = images.dims4()?;
    let (mut bytes, mut decoded) = (0, Vec::with_capacity(images.elem_count()));
    for pixels in to_bytes(&images)?.chunks_exact(c * h * w) {
        let file = encode(pixels, w as u32, h as u32, quality)?;
        bytes += file.len() - header_length(&file);
        decoded.extend(decode_image(&file).map_err(not_compressible)?.1.into_raw());
    }
    // (n, h, w, c) -> (n, c, h, w)
    let decoded = Tensor::from_vec(decoded, (n, h, w, c), &Device::Cpu)?.permute((0, 3, 1, 2))?;
    let decoded = (decoded.to_dtype(DType::F32)? / 255.0)?;
    let error = (&decoded - &images)?.sqr()?.mean_all()?;
    Ok(Jpeg {
        quality,
        bytes: bytes as f64 / n as f64,
        error: f64::from(error.to_scalar::<f32>()?),
        images: decoded,
    })
}

/// Compresses images as the best JPEG of at most `bytes` mean bytes per image, without headers.
///
/// # Errors
/// Even quality 1 needs more bytes; otherwise as [`jpeg`].
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let compressed = look::jpeg_within(photographs(16)?.test.first(4)?, 150.0)?;
/// assert!(compressed.bytes <= 150.0);
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn jpeg_within(images: impl Images, bytes: f64) -> Result<Jpeg> {
    let images = images.images()?;
    let mut best = jpeg(&images, 1)?;
    if bytes.is_nan() || best.bytes > bytes {
        return Err(Error::setting(
            "bytes",
            format!(
                "at least {:.0} bytes per image, the size at JPEG quality 1",
                best.bytes
            ),
            bytes,
            "Compare with a larger code",
        ));
    }
    // Binary search: sizes grow with the quality.
    let (mut low, mut high) = (1u8, 100);
    while low < high {
        let middle = (low + high).div_ceil(2);
        let candidate = jpeg(&images, middle)?;
        if candidate.bytes <= bytes {
            (low, best) = (middle, candidate);
        } else {
            high = middle - 1;
        }
    }
    Ok(best)
}

fn check_quality(quality: u8) -> Result<()> {
    if (1..=100).contains(&quality) {
        return Ok(());
    }
    Err(Error::setting(
        "quality",
        "1 to 100",
        quality,
        "75 is common",
    ))
}

fn check_images(images: &Tensor) -> Result<()> {
    if !images.sum_all()?.to_scalar::<f32>()?.is_finite() {
        return Err(Error::setting(
            "jpeg",
            "images of finite values",
            "NaN or infinity",
            "The model has diverged; train it again",
        ));
    }
    let (_, c, h, w) = images.dims4()?;
    if c == 3 && h.max(w) <= usize::from(u16::MAX) {
        return Ok(());
    }
    Err(Error::shape(
        "jpeg",
        "images of (n, 3, h, w), up to 65,535 pixels wide and high",
        format!("{:?}", images.dims()),
        "Pass color images",
    ))
}

/// Pixels in 0 to 255: (n, c, h, w) -> (n, h, w, c).
fn to_bytes(images: &Tensor) -> Result<Vec<u8>> {
    let scaled = (images.clamp(0f32, 1f32)? * 255.0)?.round()?;
    let pixels = scaled.to_dtype(DType::U8)?.permute((0, 2, 3, 1))?;
    Ok(pixels.flatten_all()?.to_vec1::<u8>()?)
}

/// Encodes one image of (h, w, 3) bytes as a JPEG file.
fn encode(pixels: &[u8], width: u32, height: u32, quality: u8) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality)
        .encode(pixels, width, height, ExtendedColorType::Rgb8)
        .map_err(|error| not_compressible(error.to_string()))?;
    Ok(file)
}

fn not_compressible(error: impl ToString) -> Error {
    Error::setting("jpeg", "images that JPEG can store", error, "")
}

/// Bytes of a JPEG file before the compressed data: up to the end of the start-of-scan segment.
fn header_length(file: &[u8]) -> usize {
    let mut at = 2;
    while let Some(&[0xff, kind, high, low]) = file
        .get(at..at + 4)
        .and_then(|bytes| bytes.first_chunk::<4>())
    {
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
        if kind == 0xda {
            return at;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_ends_after_the_start_of_scan_segment() {
        let start_of_image = [0xff, 0xd8];
        let comment = [0xff, 0xfe, 0, 4, 1, 2];
        let start_of_scan = [0xff, 0xda, 0, 3, 9];
        let file = [&start_of_image[..], &comment, &start_of_scan, &[7; 20]].concat();
        assert_eq!(header_length(&file), 13);
        assert_eq!(header_length(&[1, 2, 3]), 0);
    }
}
