//! JPEG files decoded from memory: the photographs of large data sets, where decoding is what takes the time.
//!
//! The decoder is the one that the `image` crate uses, with the same pixels, but read from a slice and asked once: `image`
//! copies the file, reads its headers three times, and the decoder's own cursor makes a call for every four bytes.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::{ZByteIoError, ZByteReaderTrait, ZSeekFrom};
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The pixels of a JPEG file, upright, grey or in colour; or why it cannot be read.
pub(crate) fn decode(bytes: &[u8], most_memory: u64) -> Result<DynamicImage, String> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(Slice { bytes, at: 0 }, options);
    decoder
        .decode_headers()
        .map_err(|error| error.to_string())?;
    let (Some((width, height)), Some(colors)) = (decoder.dimensions(), decoder.input_colorspace())
    else {
        return Err("a file without a header".into());
    };
    let grey = colors == ColorSpace::Luma;
    // The decoder itself turns CMYK to RGB.
    let (colors, channels) = if grey {
        (ColorSpace::Luma, 1)
    } else {
        (ColorSpace::RGB, 3)
    };
    let size = width * height * channels;
    if size as u64 > most_memory {
        return Err(format!(
            "{width} x {height} pixels, which take more than {most_memory} bytes"
        ));
    }
    decoder.set_options(options.jpeg_set_out_colorspace(colors));
    let mut pixels = vec![0; size];
    decoder
        .decode_into(&mut pixels)
        .map_err(|error| error.to_string())?;
    let (w, h) = (width as u32, height as u32);
    let picture = if grey {
        GrayImage::from_raw(w, h, pixels).map(DynamicImage::ImageLuma8)
    } else {
        RgbImage::from_raw(w, h, pixels).map(DynamicImage::ImageRgb8)
    };
    let mut picture = picture.ok_or("fewer pixels than its header says")?;
    if let Some(orientation) = decoder
        .exif()
        .and_then(|exif| Orientation::from_exif_chunk(exif))
    {
        picture.apply_orientation(orientation);
    }
    Ok(picture)
}

/// A file in memory and a place in it. Inlined: the decoder asks for four bytes at a time.
struct Slice<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Slice<'_> {
    #[inline(always)]
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

impl ZByteReaderTrait for Slice<'_> {
    #[inline(always)]
    fn read_byte_no_error(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte.unwrap_or(0)
    }

    #[inline(always)]
    fn read_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        self.peek_exact_bytes(buffer)?;
        self.at += buffer.len();
        Ok(())
    }

    #[inline(always)]
    fn read_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        let n = self.peek_bytes(buffer)?;
        self.at += n;
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
        let wanted = self.rest().get(..buffer.len());
        let wanted = wanted.ok_or(ZByteIoError::Generic("the file ends early"))?;
        buffer.copy_from_slice(wanted);
        Ok(())
    }

    #[inline(always)]
    fn z_seek(&mut self, from: ZSeekFrom) -> Result<u64, ZByteIoError> {
        let place = match from {
            ZSeekFrom::Start(place) => usize::try_from(place).ok(),
            ZSeekFrom::End(by) => self.bytes.len().checked_add_signed(by as isize),
            ZSeekFrom::Current(by) => self.at.checked_add_signed(by as isize),
        };
        self.at = place.ok_or(ZByteIoError::SeekError("a place before the file"))?;
        Ok(self.at as u64)
    }

    #[inline(always)]
    fn is_eof(&mut self) -> Result<bool, ZByteIoError> {
        Ok(self.at >= self.bytes.len())
    }

    #[inline(always)]
    fn z_position(&mut self) -> Result<u64, ZByteIoError> {
        Ok(self.at as u64)
    }

    fn read_remaining(&mut self, sink: &mut Vec<u8>) -> Result<usize, ZByteIoError> {
        let n = self.rest().len();
        sink.extend_from_slice(self.rest());
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::jpeg::JpegDecoder as Theirs;
    use std::io::Cursor;
    use std::path::Path;

    /// As the `image` crate decodes it.
    fn theirs(bytes: &[u8]) -> Option<DynamicImage> {
        DynamicImage::from_decoder(Theirs::new(Cursor::new(bytes)).ok()?).ok()
    }

    #[test]
    fn pixels_are_those_of_the_image_crate_whole_grey_and_torn() {
        let photographs = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/photographs");
        let mut seen = 0;
        for entry in std::fs::read_dir(photographs).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "jpg") {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let mut grey = Vec::new();
            let picture = theirs(&bytes).unwrap();
            picture
                .to_luma8()
                .write_to(&mut Cursor::new(&mut grey), image::ImageFormat::Jpeg)
                .unwrap();
            for bytes in [&bytes, &grey] {
                for end in [
                    bytes.len(),
                    bytes.len() - 2,
                    bytes.len() * 2 / 3,
                    900,
                    300,
                    25,
                    3,
                ] {
                    let torn = &bytes[..end];
                    assert_eq!(
                        decode(torn, u64::MAX).ok(),
                        theirs(torn),
                        "{} up to {end}",
                        path.display()
                    );
                }
            }
            assert_eq!(decode(&bytes, u64::MAX).unwrap(), picture);
            seen += 1;
        }
        assert!(seen > 3);
    }

    #[test]
    fn what_takes_too_much_memory_is_refused_before_it_is_taken() {
        let mut bytes = Vec::new();
        RgbImage::new(20, 10)
            .write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Jpeg)
            .unwrap();
        assert!(decode(&bytes, 600).is_ok());
        let error = decode(&bytes, 599).unwrap_err();
        assert_eq!(error, "20 x 10 pixels, which take more than 599 bytes");
    }
}
