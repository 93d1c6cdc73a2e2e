//! Decoding of image files.

use crate::file::limits::{Limits, MAX_DECODER_BYTES};
use crate::file::memory::{Decoded, DecoderMemory};
use crate::file::unreadable::Unreadable;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};
use std::io::Cursor;

/// Memory for the parts of a file that are no pixels, such as a compressed color profile.
const MAX_METADATA_BYTES: u64 = 64 << 20;

/// Decodes an image file to its format and RGB pixels: upright (EXIF), transparency over white.
///
/// # Errors
/// If it is damaged, no image, or larger than a limit.
pub(crate) fn decode_image(bytes: &[u8]) -> Result<(ImageFormat, RgbImage), Unreadable> {
    let limits = Limits::current();
    // Files come from anywhere, and a decoder that panics on one must not end the notebook.
    std::panic::catch_unwind(|| decode(bytes, &limits))
        .unwrap_or_else(|_| Err("a file that crashes its decoder".into()))
}

fn decode(bytes: &[u8], limits: &Limits) -> Result<(ImageFormat, RgbImage), Unreadable> {
    if bytes.is_empty() {
        return Err("an empty file".into());
    }
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    let Some(format) = reader.format() else {
        return Err("a file of another kind".into());
    };
    let Decoded {
        image,
        orientation,
        memory: _memory,
    } = match format {
        ImageFormat::Jpeg => super::jpeg::decode(bytes, limits)?,
        ImageFormat::Gif => super::gif::decode(bytes, limits)?,
        ImageFormat::Png => {
            super::png::check_chunks(bytes)?;
            decode_other(reader, limits)?
        }
        ImageFormat::WebP => {
            super::webp::check_claims(bytes)?;
            decode_other(reader, limits)?
        }
        ImageFormat::Bmp => {
            super::bmp::check_colors(bytes)?;
            decode_other(reader, limits)?
        }
        _ => decode_other(reader, limits)?,
    };
    if image.width() == 0 || image.height() == 0 {
        return Err("an image without pixels".into());
    }
    // Turned with three bytes per pixel, because turning needs a copy.
    let mut image = DynamicImage::ImageRgb8(on_white(image));
    image.apply_orientation(orientation);
    Ok((format, image.into_rgb8()))
}

/// Decodes an image with the `image` crate.
fn decode_other(
    mut reader: ImageReader<Cursor<&[u8]>>,
    limits: &Limits,
) -> Result<Decoded, Unreadable> {
    let mut bounds = image::Limits::no_limits();
    bounds.max_alloc = Some(MAX_METADATA_BYTES);
    reader.limits(bounds.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    limits.check_pixels(width.into(), height.into())?;
    let pixels = u64::from(width) * u64::from(height);
    let memory = DecoderMemory::reserve(pixels, MAX_DECODER_BYTES, limits);
    // A frame of a WebP has its own size and buffer.
    bounds.max_alloc = Some(limits.image_file_bytes());
    bounds.reserve(decoder.total_bytes())?;
    decoder.set_limits(bounds)?;
    let orientation = decoder.orientation()?;
    Ok(Decoded {
        image: DynamicImage::from_decoder(decoder)?,
        orientation,
        memory,
    })
}

/// Blends transparent pixels with white.
fn on_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [r, g, b, a] = image.get_pixel(x, y).0.map(u32::from);
        image::Rgb([r, g, b].map(|v| ((v * a + 255 * (255 - a) + 127) / 255) as u8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgba, RgbaImage};

    fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn transparency_becomes_white() {
        let pixels = RgbaImage::from_fn(3, 1, |x, _| Rgba([200, 0, 0, [0, 128, 255][x as usize]]));
        let (format, image) = decode_image(&png(pixels)).unwrap();
        assert_eq!(format, ImageFormat::Png);
        let colors: Vec<[u8; 3]> = image.pixels().map(|pixel| pixel.0).collect();
        assert_eq!(colors, [[255, 255, 255], [227, 127, 127], [200, 0, 0]]);
    }

    #[test]
    fn files_that_are_not_images_are_named_in_words() {
        assert_eq!(decode_image(b"").unwrap_err(), "an empty file".into());
        assert_eq!(
            decode_image(b"hello").unwrap_err(),
            "a file of another kind".into()
        );
        let cut = &png(RgbImage::new(9, 9))[..40];
        assert!(!decode_image(cut).unwrap_err().to_string().is_empty());
    }

    /// The file of an image of 6 x 4 pixels.
    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let image = DynamicImage::ImageRgb8(RgbImage::new(6, 4));
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn the_pixels_of_every_format_are_limited() {
        use ImageFormat::{Bmp, Gif, Jpeg, Png, WebP};
        for format in [Bmp, Gif, Jpeg, Png, WebP] {
            let limits = |pixels| Limits {
                pixels,
                ..Default::default()
            };
            let bytes = encoded(format);
            let (found, image) = decode(&bytes, &limits(24)).unwrap();
            assert_eq!((found, image.dimensions()), (format, (6, 4)));
            let error = decode(&bytes, &limits(23)).unwrap_err().to_string();
            assert!(
                error.starts_with("expected at most 23 pixels, got 6 x 4 = 24. "),
                "{format:?}: {error}"
            );
        }
    }

    #[test]
    fn a_frame_larger_than_its_gif_is_rejected() {
        let mut bytes = encoded(ImageFormat::Gif);
        let at = bytes
            .windows(9)
            .position(|b| b == [b',', 0, 0, 0, 0, 6, 0, 4, 0]);
        let at = at.expect("the frame has the size of the image");
        bytes[at + 5..at + 9].fill(0xff);
        let error = decode_image(&bytes).unwrap_err().to_string();
        assert!(error.contains("out-of-bounds"), "{error}");
    }
}
