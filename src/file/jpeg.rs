//! Decoding of JPEG files in memory, the bottleneck of large photograph data sets.
//!
//! The decoder and its pixels are those of the `image` crate, but it reads from a slice and is
//! asked once: `image` copies the file and parses its headers three times, and the decoder's own
//! cursor makes a call per four bytes.

use crate::file::limits::Limits;
use crate::file::memory::{Decoded, DecoderMemory};
use crate::file::unreadable::Unreadable;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::{ZByteIoError, ZByteReaderTrait, ZSeekFrom};
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Decodes a JPEG file to grey or RGB pixels, and its EXIF orientation.
///
/// # Errors
/// If it is damaged, or larger than a limit.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, Unreadable> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let reader = Slice { bytes, position: 0 };
    let mut decoder = JpegDecoder::new_with_options(reader, options);
    decoder
        .decode_headers()
        .map_err(|error| error.to_string())?;
    let (Some((width, height)), Some(colors)) = (decoder.dimensions(), decoder.input_colorspace())
    else {
        return Err("a file without a header".into());
    };
    let grey = colors == ColorSpace::Luma;
    // The decoder converts CMYK to RGB itself.
    let (colors, channels) = if grey {
        (ColorSpace::Luma, 1)
    } else {
        (ColorSpace::RGB, 3)
    };
    limits.check_pixels(width as u64, height as u64)?;
    // A progressive file also needs a coefficient of two bytes per pixel and component.
    let info = decoder.info().ok_or("a file without a header")?;
    let coefficients = 2 * u64::from(info.sof.is_progressive()) * u64::from(info.components);
    let pixels = (width * height) as u64;
    let memory = DecoderMemory::reserve(pixels, channels as u64 + coefficients, limits);
    decoder.set_options(options.jpeg_set_out_colorspace(colors));
    let mut pixels = vec![0; width * height * channels];
    decoder
        .decode_into(&mut pixels)
        .map_err(|error| error.to_string())?;
    let (w, h) = (width as u32, height as u32);
    let image = from_pixels(w, h, grey, pixels).ok_or("fewer pixels than its header says")?;
    let orientation = decoder
        .exif()
        .and_then(|exif| Orientation::from_exif_chunk(exif));
    Ok(Decoded {
        image,
        orientation: orientation.unwrap_or(Orientation::NoTransforms),
        memory,
    })
}

fn from_pixels(width: u32, height: u32, grey: bool, pixels: Vec<u8>) -> Option<DynamicImage> {
    if grey {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8)
    }
}

/// A reader of bytes in memory, inlined because the decoder reads four at a time.
struct Slice<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Slice<'_> {
    #[inline(always)]
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }
}

impl ZByteReaderTrait for Slice<'_> {
    #[inline(always)]
    fn read_byte_no_error(&mut self) -> u8 {
        let byte = self.bytes.get(self.position).copied();
        self.position += usize::from(byte.is_some());
        byte.unwrap_or(0)
    }

    #[inline(always)]
    fn read_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        self.peek_exact_bytes(buffer)?;
        self.position += buffer.len();
        Ok(())
    }

    #[inline(always)]
    fn read_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        let n = self.peek_bytes(buffer)?;
        self.position += n;
        Ok(n)
    }

    #[inline(always)]
    fn peek_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        let n = buffer.len().min(self.rest().len());
        buffer[..n].copy_from_slice(&self.rest()[..n]);
        Ok(n)
    }

    #[inline(always)]
    fn peek_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        let bytes = self.rest().get(..buffer.len());
        buffer.copy_from_slice(bytes.ok_or(ZByteIoError::Generic("the file ends early"))?);
        Ok(())
    }

    #[inline(always)]
    fn z_seek(&mut self, from: ZSeekFrom) -> Result<u64, ZByteIoError> {
        let position = match from {
            ZSeekFrom::Start(position) => usize::try_from(position).ok(),
            ZSeekFrom::End(by) => self.bytes.len().checked_add_signed(by as isize),
            ZSeekFrom::Current(by) => self.position.checked_add_signed(by as isize),
        };
        self.position = position.ok_or(ZByteIoError::SeekError("a position before the file"))?;
        Ok(self.position as u64)
    }

    #[inline(always)]
    fn is_eof(&mut self) -> Result<bool, ZByteIoError> {
        Ok(self.position >= self.bytes.len())
    }

    #[inline(always)]
    fn z_position(&mut self) -> Result<u64, ZByteIoError> {
        Ok(self.position as u64)
    }

    fn read_remaining(&mut self, sink: &mut Vec<u8>) -> Result<usize, ZByteIoError> {
        let n = self.rest().len();
        sink.extend_from_slice(self.rest());
        self.position += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::ImageFormat;
    use image::codecs::jpeg::JpegDecoder as ImageJpegDecoder;
    use std::io::Cursor;
    use std::path::{Path, PathBuf};

    /// Decodes with the `image` crate.
    fn reference(bytes: &[u8]) -> Option<DynamicImage> {
        DynamicImage::from_decoder(ImageJpegDecoder::new(Cursor::new(bytes)).ok()?).ok()
    }

    fn pixels(bytes: &[u8]) -> Option<DynamicImage> {
        decode(bytes, &Limits::default())
            .ok()
            .map(|decoded| decoded.image)
    }

    fn encode(image: impl Into<DynamicImage>) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image
            .into()
            .write_to(&mut bytes, ImageFormat::Jpeg)
            .unwrap();
        bytes.into_inner()
    }

    fn photographs() -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/photographs");
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jpg"))
            .collect()
    }

    #[test]
    fn pixels_match_the_image_crate_in_colour_in_grey_and_in_cut_off_files() {
        let photographs = photographs();
        assert!(photographs.len() > 3);
        for path in photographs {
            let color = std::fs::read(&path).unwrap();
            let grey = encode(reference(&color).unwrap().to_luma8());
            for bytes in [&color, &grey] {
                let n = bytes.len();
                assert!(pixels(bytes).is_some());
                for end in [n, n - 2, n * 2 / 3, 900, 300, 25, 3] {
                    assert_eq!(
                        pixels(&bytes[..end]),
                        reference(&bytes[..end]),
                        "{} up to byte {end}",
                        path.display()
                    );
                }
            }
        }
    }
}
