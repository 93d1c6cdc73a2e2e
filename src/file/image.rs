//! Decoding of image files.

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use std::io::Cursor;

/// Memory limit of one decoded image: a small file can claim to be a huge image.
const MAX_DECODED_BYTES: u64 = 1 << 30;

/// Decodes an image file to its format and RGB pixels: upright (EXIF), transparency over white.
///
/// # Errors
/// The reason in words.
pub(crate) fn decode_image(bytes: &[u8]) -> Result<(ImageFormat, RgbImage), String> {
    // Files come from anywhere, and a decoder that panics on one must not end the notebook.
    std::panic::catch_unwind(|| decode(bytes))
        .unwrap_or_else(|_| Err("a file that crashes its decoder".into()))
}

fn decode(bytes: &[u8]) -> Result<(ImageFormat, RgbImage), String> {
    if bytes.is_empty() {
        return Err("an empty file".into());
    }
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    let Some(format) = reader.format() else {
        return Err("a file of another kind".into());
    };
    let image = if format == ImageFormat::Jpeg {
        super::jpeg::decode(bytes, MAX_DECODED_BYTES)?
    } else {
        upright(reader)?
    };
    if image.width() == 0 || image.height() == 0 {
        return Err("an image without pixels".into());
    }
    Ok((format, on_white(image)))
}

/// Decodes and applies the EXIF orientation.
fn upright(mut reader: ImageReader<Cursor<&[u8]>>) -> Result<DynamicImage, String> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    let orientation = decoder.orientation().map_err(|error| error.to_string())?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    image.apply_orientation(orientation);
    Ok(image)
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
        assert_eq!(decode_image(b"").unwrap_err(), "an empty file");
        assert_eq!(
            decode_image(b"hello").unwrap_err(),
            "a file of another kind"
        );
        let cut = &png(RgbImage::new(9, 9))[..40];
        assert!(!decode_image(cut).unwrap_err().is_empty());
    }
}
