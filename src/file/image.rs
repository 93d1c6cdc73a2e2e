//! Decoding of image files.

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use std::io::Cursor;

/// Memory that decoding one image may take: a small file can claim to be a huge image.
const MAX_DECODED_BYTES: u64 = 1 << 30;

/// Decodes an image file to its format and RGB pixels: upright (EXIF), transparency over white.
///
/// # Errors
/// The reason in words.
pub(crate) fn decode_image(bytes: &[u8]) -> std::result::Result<(ImageFormat, RgbImage), String> {
    // Files come from anywhere: a decoder that gives up on one must not take the notebook with it.
    std::panic::catch_unwind(|| read(bytes))
        .unwrap_or_else(|_| Err("a file that its decoder gave up on".into()))
}

fn read(bytes: &[u8]) -> std::result::Result<(ImageFormat, RgbImage), String> {
    if bytes.is_empty() {
        return Err("an empty file".into());
    }
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    let Some(format) = reader.format() else {
        return Err("a file of another kind".into());
    };
    let picture = if format == ImageFormat::Jpeg {
        super::jpeg::decode(bytes, MAX_DECODED_BYTES)?
    } else {
        upright(reader)?
    };
    if picture.width() == 0 || picture.height() == 0 {
        return Err("a picture without pixels".into());
    }
    Ok((format, on_white(picture)))
}

fn upright(mut reader: ImageReader<Cursor<&[u8]>>) -> std::result::Result<DynamicImage, String> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    let orientation = decoder.orientation().map_err(|error| error.to_string())?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, a] = picture.get_pixel(x, y).0.map(u32::from);
        image::Rgb([r, g, b].map(|v| ((v * a + 255 * (255 - a) + 127) / 255) as u8))
    })
}
