//! Decoding of the first frame of GIF files.
//!
//! The `image` crate leaves pixels whose color is not in the palette transparent and cuts off what
//! lies outside the image; other programs draw them black or enlarge the image. Such files are
//! damaged.

use crate::file::limits::Limits;
use crate::file::memory::{Decoded, DecoderMemory};
use crate::file::unreadable::Unreadable;
use ::gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};
use image::metadata::Orientation;
use image::{Rgb, RgbImage};

/// An index and a color per pixel.
const DECODER_BYTES: u64 = 4;
const WHITE: Rgb<u8> = Rgb([255; 3]);

/// Decodes the first frame; transparency and the surroundings of a smaller frame are white.
///
/// # Errors
/// If the file is damaged, or larger than a limit.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, Unreadable> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.check_frame_consistency(true);
    // The size of a frame is checked against that of the image.
    options.set_memory_limit(MemoryLimit::Unlimited);
    let mut decoder = options.read_info(bytes)?;
    let (width, height) = (u32::from(decoder.width()), u32::from(decoder.height()));
    limits.check_pixels(width.into(), height.into())?;
    let pixels = u64::from(width) * u64::from(height);
    let memory = DecoderMemory::reserve(pixels, DECODER_BYTES, limits);
    let frame = decoder
        .next_frame_info()?
        .ok_or("a file without an image")?;
    let (left, top) = (u32::from(frame.left), u32::from(frame.top));
    let (row, transparent) = (u32::from(frame.width), frame.transparent);
    let mut indices = vec![0; decoder.buffer_size()];
    decoder.read_into_buffer(&mut indices)?;
    let palette = decoder.palette()?.as_chunks::<3>().0;
    let mut image = RgbImage::from_pixel(width, height, WHITE);
    for (at, &index) in (0..).zip(&indices) {
        if transparent != Some(index) {
            let color = palette
                .get(usize::from(index))
                .ok_or_else(|| format!("color {index} of a palette of {} colors", palette.len()))?;
            image.put_pixel(left + at % row, top + at / row, Rgb(*color));
        }
    }
    Ok(Decoded {
        image: image.into(),
        orientation: Orientation::NoTransforms,
        memory,
    })
}

impl From<DecodingError> for Unreadable {
    fn from(error: DecodingError) -> Self {
        Unreadable::Damaged(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2 x 1 pixels of the colors 1 and `index`, from a palette of two colors, on a screen of `screen`.
    fn file(screen: [u8; 2], index: u8, transparent: Option<u8>) -> Vec<u8> {
        let head = [b"GIF89a", &[screen[0], 0, screen[1], 0, 0x80, 0, 0][..]].concat();
        let palette = [9, 9, 9, 200, 100, 50];
        let control = transparent.map_or(vec![], |index| vec![b'!', 0xf9, 4, 1, 0, 0, index, 0]);
        // Codes of three bits: clear, the pixels, end.
        let codes = 4 | (1 << 3) | (u16::from(index) << 6) | (5 << 9);
        let [low, high] = codes.to_le_bytes();
        let frame = [b',', 1, 0, 0, 0, 2, 0, 1, 0, 0, 2, 2, low, high, 0, b';'];
        [&head[..], &palette, &control, &frame].concat()
    }

    fn pixels(file: &[u8]) -> Result<Vec<u8>, String> {
        let decoded = decode(file, &Limits::default()).map_err(|reason| reason.to_string())?;
        Ok(decoded.image.into_rgb8().into_raw())
    }

    #[test]
    fn surroundings_and_transparency_are_white() {
        let row = |color: [u8; 3]| [[255; 3], [200, 100, 50], color, [255; 3]].concat();
        assert_eq!(pixels(&file([4, 1], 0, None)), Ok(row([9; 3])));
        assert_eq!(pixels(&file([4, 1], 0, Some(0))), Ok(row([255; 3])));
        // A transparent color need not be in the palette.
        assert_eq!(pixels(&file([4, 1], 3, Some(3))), Ok(row([255; 3])));
    }

    #[test]
    fn colors_outside_the_palette_are_an_error() {
        let error = pixels(&file([4, 1], 3, None)).unwrap_err();
        assert_eq!(error, "color 3 of a palette of 2 colors");
    }

    #[test]
    fn a_frame_outside_the_image_is_an_error() {
        assert!(pixels(&file([3, 1], 0, None)).is_ok());
        let error = pixels(&file([2, 1], 0, None)).unwrap_err();
        assert!(
            error.contains("frame descriptor is out-of-bounds"),
            "{error}"
        );
    }

    #[test]
    fn a_cut_file_is_an_error() {
        let file = file([4, 1], 0, None);
        // The last byte is the end of the file, which is not needed for the first frame.
        for end in 0..file.len() - 2 {
            assert!(pixels(&file[..end]).is_err(), "{end}");
        }
    }
}
