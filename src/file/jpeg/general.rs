//! Files of unusual structure, decoded by `jpeg-decoder`.

use super::frame::{Component, Frame, unsupported};
use super::pixels;
use super::structure::{Colors, Structure};
use crate::file::limits::Limits;
use crate::file::memory::{Decoded, DecoderMemory};
use crate::file::unreadable::Unreadable;
use jpeg_decoder::{ColorTransform, Decoder};

/// Samples of a block of coefficients.
const BLOCK: u64 = 8;
/// Bytes that a sample may take in the queue of a decoder thread, and in a progressive file's table.
const COEFFICIENT_BYTES: u64 = 2;

/// Decodes a file.
///
/// # Errors
/// If it is damaged or ends early, larger than a limit, or of a structure that `jpeg-decoder` misreads.
pub(super) fn decode(
    bytes: &[u8],
    structure: &Structure,
    limits: &Limits,
) -> Result<Decoded, Unreadable> {
    check(structure)?;
    let (width, height) = (structure.frame.width, structure.frame.height);
    let needed = memory(&structure.frame);
    limits.check_decoder(width, height, needed)?;
    let pixels = width * height;
    let memory = DecoderMemory::reserve(pixels, needed.div_ceil(pixels), limits);
    let mut decoder = Decoder::new(bytes);
    decoder.set_color_transform(transform(structure.colors()));
    let mut values = decoder.decode().map_err(reason)?;
    if structure.frame.components.len() == 4 {
        values = rgb(&values);
    }
    Ok(Decoded {
        image: pixels::image(width, height, values)?,
        orientation: pixels::orientation(decoder.exif_data()),
        memory,
    })
}

/// Checks a structure.
///
/// # Errors
/// If version 0.3.2 of `jpeg-decoder` rejects it without saying why, or returns wrong pixels.
fn check(structure: &Structure) -> Result<(), Unreadable> {
    let frame = &structure.frame;
    let (h_max, v_max) = frame.max_factors();
    let divide = |c: &Component| h_max.is_multiple_of(c.h) && v_max.is_multiple_of(c.v);
    if !frame.components.iter().all(divide) {
        let expected = "a JPEG whose sampling factors divide the largest one";
        return Err(unsupported(expected, frame.factors()));
    }
    let alone = structure.scans.iter().filter(|scan| scan.len() == 1);
    let mut alone = alone.map(|scan| &frame.components[scan[0]]);
    if !alone.all(|component| counts_blocks(frame, component)) {
        let expected = "a JPEG with one scan of all components, or other sampling factors";
        let got = format!(
            "a scan for each component with the factors {}",
            frame.factors()
        );
        return Err(unsupported(expected, got));
    }
    if let Some(transform @ 3..) = structure.adobe {
        let expected = "a JPEG with Adobe's color transform 0, 1 or 2";
        return Err(unsupported(expected, transform));
    }
    if frame.progressive && structure.changed_tables {
        let expected = "a progressive JPEG with the same quantization tables in all scans";
        return Err(unsupported(expected, "tables that change"));
    }
    Ok(())
}

/// True if the decoder finds the number of blocks that a scan of one component has (T.81, A.2.2).
fn counts_blocks(frame: &Frame, component: &Component) -> bool {
    let counts = |size: u64, factor: u64, max: u64| {
        let expected = (size * factor).div_ceil(max).div_ceil(BLOCK);
        let interleaved = size.div_ceil(BLOCK * max) * factor;
        expected == interleaved.min(size.div_ceil(BLOCK))
    };
    let (h_max, v_max) = frame.max_factors();
    counts(frame.width, component.h, h_max) && counts(frame.height, component.v, v_max)
}

/// The most bytes that the decoder takes: planes of samples with their coefficients, and the pixels.
fn memory(frame: &Frame) -> u64 {
    let (h_max, v_max) = frame.max_factors();
    let (columns, rows) = (
        frame.width.div_ceil(BLOCK * h_max),
        frame.height.div_ceil(BLOCK * v_max),
    );
    let samples = |c: &Component| columns * c.h * BLOCK * rows * c.v * BLOCK;
    let samples: u64 = frame.components.iter().map(samples).sum();
    let coefficients = COEFFICIENT_BYTES * (1 + u64::from(frame.progressive));
    samples * (1 + coefficients) + frame.width * frame.height * frame.components.len() as u64
}

/// The colors as the decoder names them, which it would derive by other rules than libjpeg.
fn transform(colors: Colors) -> ColorTransform {
    match colors {
        Colors::Grey => ColorTransform::Grayscale,
        Colors::Rgb => ColorTransform::RGB,
        Colors::YCbCr => ColorTransform::YCbCr,
        Colors::Cmyk => ColorTransform::CMYK,
        Colors::Ycck => ColorTransform::YCCK,
    }
}

fn reason(error: jpeg_decoder::Error) -> String {
    match error {
        jpeg_decoder::Error::Io(_) => "a JPEG that ends early".into(),
        error => format!("a damaged JPEG ({error})"),
    }
}

/// Converts CMYK to RGB, both with values 0 to 255.
fn rgb(cmyk: &[u8]) -> Vec<u8> {
    let (pixels, _) = cmyk.as_chunks();
    let rgb = |&[c, m, y, k]: &[u8; 4]| {
        let mix = |ink: u8| (u32::from(255 - ink) * u32::from(255 - k) + 127) / 255;
        [c, m, y].map(|ink| mix(ink) as u8)
    };
    pixels.iter().flat_map(rgb).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inks_darken_white() {
        let cmyk = [0, 0, 0, 0, 255, 0, 100, 0, 0, 0, 0, 255, 0, 51, 255, 128];
        assert_eq!(
            rgb(&cmyk),
            [255, 255, 255, 0, 255, 155, 0, 0, 0, 127, 102, 0]
        );
    }

    #[test]
    fn blocks_are_counted_where_the_decoder_counts_them_correctly() {
        // Marker 0xc0: 45 x 37 pixels, the factors of the first component, and 1 x 1.
        let counted = |factors: u8, width: u8| {
            let body = [8, 0, 37, 0, width, 3, 1, factors, 0, 2, 0x21, 0, 3, 0x11, 0];
            let frame = Frame::read(0xc0, &body).unwrap();
            counts_blocks(&frame, &frame.components[1])
        };
        assert!(counted(0x22, 45) && counted(0x21, 1));
        // Two of four: 45 * 2 / 4 samples are 3 blocks, not the 4 of two units of 32 pixels.
        assert!(!counted(0x42, 45));
        assert!(counted(0x42, 64));
    }
}
