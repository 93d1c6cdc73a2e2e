//! PNG encoding.

use crate::error::{Error, Result};
use png::{BitDepth, ColorType, DeflateCompression, Encoder, Filter};

/// Encodes RGBA frames of one size as a PNG file, animated if there are several. Alpha is ignored.
/// Gray images get one channel, which is smaller.
///
/// # Errors
/// If there are no frames or the encoder fails.
pub(crate) fn encode_png(
    width: u32,
    height: u32,
    frames: &[&[u8]],
    frames_per_second: f64,
) -> Result<Vec<u8>> {
    let failed = |error: png::EncodingError| Error::Plot(format!("cannot encode a PNG: {error}"));
    let gray = frames.iter().all(|frame| is_gray(frame));
    let mut png = Vec::new();
    let mut encoder = Encoder::new(&mut png, width, height);
    encoder.set_color(if gray {
        ColorType::Grayscale
    } else {
        ColorType::Rgb
    });
    encoder.set_depth(BitDepth::Eight);
    // Rows repeat in zoomed images and charts: the filter "up" with fast compression suffices.
    encoder.set_deflate_compression(DeflateCompression::Level(1));
    encoder.set_filter(Filter::Up);
    if frames.len() > 1 {
        let delay = (1000.0 / frames_per_second) as u16;
        encoder
            .set_animated(frames.len() as u32, 0)
            .and_then(|()| encoder.set_frame_delay(delay, 1000))
            .map_err(failed)?;
    }
    let mut writer = encoder.write_header().map_err(failed)?;
    for frame in frames {
        writer
            .write_image_data(&without_alpha(frame, gray))
            .map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    Ok(png)
}

fn is_gray(rgba: &[u8]) -> bool {
    rgba.chunks_exact(4).all(|p| p[0] == p[1] && p[1] == p[2])
}

/// The pixels in one channel (gray) or three.
fn without_alpha(rgba: &[u8], gray: bool) -> Vec<u8> {
    let pixels = rgba.chunks_exact(4);
    if gray {
        pixels.map(|p| p[0]).collect()
    } else {
        pixels.flat_map(|p| [p[0], p[1], p[2]]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::encode_png;

    fn decoded(png: &[u8]) -> (png::ColorType, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png))
            .read_info()
            .unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        bytes.truncate(info.buffer_size());
        (info.color_type, bytes)
    }

    #[test]
    fn gray_images_have_one_channel_and_others_three() {
        let gray = [9, 9, 9, 255, 7, 7, 7, 255];
        let png = encode_png(2, 1, &[&gray], 1.0).unwrap();
        assert_eq!(decoded(&png), (png::ColorType::Grayscale, vec![9, 7]));
        let color = [9, 9, 9, 255, 7, 8, 7, 255];
        let png = encode_png(2, 1, &[&color], 1.0).unwrap();
        assert_eq!(decoded(&png), (png::ColorType::Rgb, vec![9, 9, 9, 7, 8, 7]));
    }
}
