//! JPEG beside a learned code: what as many bytes buy in the codec that people know.

use crate::error::{Error, Result};
use crate::file::decode_image;
use crate::model::Autoencoder;
use crate::show::Images;
use candle_core::{DType, Device, Tensor};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

/// Pictures written as JPEG and read again.
#[derive(Clone, Debug)]
pub struct Jpeg {
    /// From 1, smallest, to 100, best.
    pub quality: u8,
    /// Bytes of a picture in the mean, without the header and its tables, which are the same for all pictures.
    pub bytes: f64,
    /// The mean squared error, over pictures, channels and pixels.
    pub error: f64,
    /// What was read again: (n, c, h, w) in [0, 1].
    pub pictures: Tensor,
}

/// Writes pictures of 3 channels as baseline JPEG of a quality from 1 to 100, and reads them again.
///
/// # Errors
/// A quality outside its range; pictures of another number of channels, or with values that are no numbers.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let pictures = photographs(16)?.test.first(4)?;
/// assert!(jpeg(&pictures, 90)?.error < jpeg(&pictures, 10)?.error);
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn jpeg(pictures: impl Images, quality: u8) -> Result<Jpeg> {
    if !(1..=100).contains(&quality) {
        return Err(Error::setting(
            "quality",
            "1 to 100",
            quality,
            "75 is common",
        ));
    }
    let pictures = pictures
        .images()?
        .to_device(&Device::Cpu)?
        .to_dtype(DType::F32)?;
    let (n, c, h, w) = pictures.dims4()?;
    if !pictures.sum_all()?.to_scalar::<f32>()?.is_finite() {
        return Err(Error::setting(
            "jpeg",
            "pictures of numbers",
            "NaN or infinity",
            "The model has diverged; train it again",
        ));
    }
    if c != 3 || h.max(w) > usize::from(u16::MAX) {
        let expected = "pictures of (n, 3, h, w), up to 65,535 pixels wide and high";
        return Err(Error::shape(
            "jpeg",
            expected,
            format!("{:?}", pictures.dims()),
            "JPEG here is of colours",
        ));
    }
    let damaged = |error: String| {
        Error::setting(
            "jpeg",
            "pictures that can be written and read again",
            error,
            "",
        )
    };
    let scaled = ((pictures.clamp(0f32, 1f32)? * 255.0)?.round()?).to_dtype(DType::U8)?;
    let pixels = scaled
        .permute((0, 2, 3, 1))?
        .flatten_all()?
        .to_vec1::<u8>()?; // (n, c, h, w) -> (n, h, w, c)
    let (mut bytes, mut read) = (0, Vec::with_capacity(pixels.len()));
    for picture in pixels.chunks_exact(c * h * w) {
        let mut file = Vec::new();
        JpegEncoder::new_with_quality(&mut file, quality)
            .encode(picture, w as u32, h as u32, ExtendedColorType::Rgb8)
            .map_err(|error| damaged(error.to_string()))?;
        bytes += file.len() - header(&file);
        read.extend(decode_image(&file).map_err(damaged)?.1.into_raw());
    }
    let read = Tensor::from_vec(read, (n, h, w, c), &Device::Cpu)?.permute((0, 3, 1, 2))?; // -> (n, c, h, w)
    let read = (read.to_dtype(DType::F32)? / 255.0)?;
    let error = f64::from((&read - &pictures)?.sqr()?.mean_all()?.to_scalar::<f32>()?);
    Ok(Jpeg {
        quality,
        bytes: bytes as f64 / n as f64,
        error,
        pictures: read,
    })
}

/// The best JPEG of pictures that takes at most so many bytes a picture in the mean, without headers.
///
/// # Errors
/// Fewer bytes than the lowest quality needs; and as [`jpeg`].
pub fn jpeg_within(pictures: impl Images, bytes: f64) -> Result<Jpeg> {
    let pictures = pictures.images()?;
    let mut best = jpeg(&pictures, 1)?;
    if bytes.is_nan() || best.bytes > bytes {
        let expected = format!(
            "at least the {:.0} bytes a picture that JPEG needs at quality 1",
            best.bytes
        );
        return Err(Error::setting(
            "bytes",
            expected,
            bytes,
            "Compare with more numbers in the code",
        ));
    }
    let (mut low, mut high) = (1u8, 100);
    while low < high {
        let middle = (low + high).div_ceil(2);
        let tried = jpeg(&pictures, middle)?;
        if tried.bytes <= bytes {
            (low, best) = (middle, tried);
        } else {
            high = middle - 1;
        }
    }
    Ok(best)
}

/// How many bytes stand before a JPEG's own data: everything up to the end of its start-of-scan segment.
fn header(file: &[u8]) -> usize {
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

impl Autoencoder {
    /// Pictures drawn again from codes whose every number is rounded to so many bits, 1 to 16: what is left when a code is
    /// stored as `bits` times its size. The levels of each number of the code are spread evenly over the range that it takes
    /// in other pictures, such as those for training. The places of maxima are not part of a code: unpooling puts values to
    /// the upper left.
    ///
    /// # Shapes
    /// (n, c, h, w) and (m, c, h, w) -> (n, c, h, w)
    ///
    /// # Errors
    /// Bits outside their range; pictures of another shape than the model's.
    pub fn reconstruct_quantized(
        &self,
        images: &Tensor,
        bits: u32,
        levels_of: &Tensor,
    ) -> Result<Tensor> {
        if !(1..=16).contains(&bits) {
            return Err(Error::setting(
                "bits",
                "1 to 16",
                bits,
                "8 make a byte of each number",
            ));
        }
        let (codes, others) = (
            self.encode(images)?,
            self.encode(levels_of)?.to_device(images.device())?,
        );
        let (low, high) = (others.min_keepdim(0)?, others.max_keepdim(0)?);
        let codes = codes.broadcast_maximum(&low)?.broadcast_minimum(&high)?;
        // A number that is the same everywhere needs no levels.
        let step = ((high - &low)? / f64::from((1u32 << bits) - 1))?
            .maximum(f64::from(f32::MIN_POSITIVE))?;
        let rounded = codes.broadcast_sub(&low)?.broadcast_div(&step)?.round()?;
        self.decode(&rounded.broadcast_mul(&step)?.broadcast_add(&low)?)
    }
}
