//! Files as cameras and editors write them, decoded by `zune-jpeg`.
//!
//! The decoder and its pixels are those of the `image` crate, but it reads from a slice and is
//! asked once: `image` copies the file and parses its headers three times, and the decoder's own
//! cursor makes a call per four bytes.

use super::pixels;
use super::slice::Slice;
use super::structure::{Colors, Structure};
use crate::file::limits::Limits;
use crate::file::memory::{Decoded, DecoderMemory};
use crate::file::unreadable::Unreadable;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// True for the structures that `zune-jpeg` decodes correctly.
///
/// Version 0.5.15 returns wrong pixels, and no error, for baseline files with several scans, for most
/// sampling factors, and for colors that two segments name differently.
pub(super) fn reads(structure: &Structure) -> bool {
    let progressive = structure.frame.progressive && !structure.late_tables;
    (structure.is_interleaved() || progressive)
        && reads_factors(structure)
        && reads_colors(structure)
}

/// True for grey, and for colors of full or half resolution beside a first component of full resolution.
fn reads_factors(structure: &Structure) -> bool {
    let factors = |c: &super::frame::Component| (c.h, c.v);
    match structure.frame.components.as_slice() {
        [grey] => grey.h != 3,
        [first, second, third, rest @ ..] => {
            first.h <= 2
                && first.v <= 2
                && [second, third].map(factors) == [(1, 1); 2]
                && rest.iter().all(|black| factors(black) == factors(first))
        }
        _ => false,
    }
}

/// True if `zune-jpeg` derives the colors that libjpeg does.
fn reads_colors(structure: &Structure) -> bool {
    match structure.colors() {
        Colors::Grey | Colors::Rgb | Colors::Cmyk => true,
        Colors::YCbCr => {
            matches!(structure.adobe, None | Some(1 | 2)) && !structure.has_rgb_names()
        }
        Colors::Ycck => structure.adobe == Some(2),
    }
}

/// Decodes a file that [`reads`] accepts.
///
/// # Errors
/// If it is damaged or ends early, or larger than a limit.
pub(super) fn decode(
    bytes: &[u8],
    structure: &Structure,
    limits: &Limits,
) -> Result<Decoded, Unreadable> {
    let frame = &structure.frame;
    limits.check_pixels(frame.width, frame.height)?;
    let grey = structure.colors() == Colors::Grey;
    // The decoder converts CMYK to RGB itself.
    let (colors, channels) = if grey {
        (ColorSpace::Luma, 1)
    } else {
        (ColorSpace::RGB, 3)
    };
    let pixels = frame.width * frame.height;
    // A progressive file also needs a coefficient of two bytes per pixel and component.
    let coefficients = 2 * u64::from(frame.progressive) * frame.components.len() as u64;
    let memory = DecoderMemory::reserve(pixels, channels + coefficients, limits);
    let mut decoder = decoder(bytes, structure, colors);
    let mut pixels = vec![0; (pixels * channels) as usize];
    decoder
        .decode_into(&mut pixels)
        .map_err(|error| format!("a damaged JPEG ({error})"))?;
    Ok(Decoded {
        image: pixels::image(frame.width, frame.height, pixels)?,
        orientation: pixels::orientation(decoder.exif().map(Vec::as_slice)),
        memory,
    })
}

fn decoder<'a>(
    bytes: &'a [u8],
    structure: &Structure,
    colors: ColorSpace,
) -> JpegDecoder<Slice<'a>> {
    let options = DecoderOptions::default()
        // Strict, so that a file that ends early is an error and no grey area. Foreign bytes between
        // segments, which some cameras write, would also be an error.
        .set_strict_mode(!structure.foreign_bytes)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(colors);
    JpegDecoder::new_with_options(Slice { bytes, position: 0 }, options)
}

#[cfg(test)]
mod tests {
    use super::super::tests::fixture;
    use super::*;

    #[test]
    fn common_files_are_usual_and_others_are_not() {
        let usual = |name| reads(&Structure::read(&fixture(name)).unwrap());
        for name in [
            "grey_11",
            "grey_22",
            "grey_14",
            "ycc_444",
            "ycc_422",
            "ycc_440",
            "ycc_420",
            "ycc_restarts",
            "ycc_16_bit_tables",
            "rgb_adobe",
            "cmyk",
            "ycck",
            "ycck_progressive",
            "grey_progressive",
            "ycc_420_progressive",
            "ycc_420_progressive_dc_apart",
            "ycc_foreign_bytes",
        ] {
            assert!(usual(name), "{name}");
        }
        for name in [
            "grey_31",
            "ycc_411",
            "ycc_mixed",
            "ycc_420_apart",
            "ycc_420_pair",
            "ycc_chroma_larger",
            "ycc_411_progressive",
            "ycc_adobe_jfif",
            "ycc_names_jfif",
            "ycc_late_tables_progressive",
            "ycck_apart",
            "rgb_adobe_apart",
        ] {
            assert!(!usual(name), "{name}");
        }
    }
}
