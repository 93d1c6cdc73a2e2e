//! Files of every structure (`tests/fixtures/jpeg`), whose pixels are known without a decoder.

use super::*;
use image::codecs::jpeg::JpegDecoder as ImageJpegDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, RgbImage};
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// Largest difference of a value: four pixels share a chroma value in some files.
const TOLERANCE: f32 = 4.0;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

pub(super) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder("tests/fixtures/jpeg").join(format!("{name}.jpg"))).unwrap()
}

/// The JPEG files of a folder.
fn jpegs(name: &str) -> Vec<PathBuf> {
    std::fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jpg"))
        .collect()
}

fn decoded(bytes: &[u8]) -> Result<Decoded, String> {
    decode(bytes, &Limits::default()).map_err(|reason| reason.to_string())
}

fn pixels(bytes: &[u8]) -> RgbImage {
    decoded(bytes).unwrap().image.into_rgb8()
}

fn error(bytes: &[u8]) -> String {
    decoded(bytes).err().unwrap()
}

/// The colors of a ramp's pixel, by the formulas of `make_jpeg.py`.
fn ramp(colors: &str, x: u32, y: u32) -> [f32; 3] {
    let (x, y) = (x as f32, y as f32);
    let [a, b, c, k] = [
        60.0 + 2.0 * x + 1.5 * y,
        110.0 + 0.5 * x + 0.25 * y,
        140.0 - 0.5 * x + 0.5 * y,
        70.0 + x + 2.0 * y,
    ];
    let (cb, cr) = (b - 128.0, c - 128.0);
    let rgb = [
        a + 1.402 * cr,
        a - 0.344136 * cb - 0.714136 * cr,
        a + 1.772 * cb,
    ];
    let rgb = rgb.map(|v| v.clamp(0.0, 255.0));
    match colors {
        "grey" => [a; 3],
        "rgb" => [a, b, c],
        "ycc" => rgb,
        "cmyk" => [a, b, c].map(|v| v * k / 255.0),
        "ycck" => rgb.map(|v| (255.0 - v) * k / 255.0),
        other => panic!("unknown colors {other}"),
    }
}

#[test]
fn every_structure_has_its_pixels() {
    let mut files = 0;
    for path in jpegs("tests/fixtures/jpeg") {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let colors = name.split('_').next().unwrap();
        if colors == "halves" {
            continue;
        }
        files += 1;
        for (x, y, pixel) in pixels(&fixture(name)).enumerate_pixels() {
            for (found, expected) in pixel.0.into_iter().zip(ramp(colors, x, y)) {
                let difference = (f32::from(found) - expected).abs();
                assert!(
                    difference < TOLERANCE,
                    "{name} at {x}, {y}: {found} and {expected}"
                );
            }
        }
    }
    assert_eq!(files, 68);
}

#[test]
fn halves_keep_their_colors_with_a_scan_for_each_component() {
    for name in [
        "halves_64",
        "halves_64_apart",
        "halves_88",
        "halves_88_apart",
        "halves_411",
    ] {
        let image = pixels(&fixture(name));
        let (w, h) = image.dimensions();
        for y in [4, h - 4] {
            assert_eq!(image.get_pixel(4, y).0, [230, 121, 30], "{name}");
            assert_eq!(image.get_pixel(w - 4, y).0, [40, 91, 200], "{name}");
        }
    }
}

/// A file with an EXIF segment that names an orientation.
fn oriented(file: &[u8], orientation: u8) -> Vec<u8> {
    let entry = [1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
    let exif = [b"Exif\0\0MM\0*\0\0\0\x08\0\x01".as_slice(), &entry, &[0; 4]].concat();
    let segment = [&[0xff, 0xe1, 0, exif.len() as u8 + 2], exif.as_slice()].concat();
    [&file[..2], &segment, &file[2..]].concat()
}

#[test]
fn the_orientation_of_both_decoders_is_returned() {
    for name in ["ycc_420", "ycc_420_apart", "ycc_420_progressive"] {
        for orientation in 1..=8 {
            let file = oriented(&fixture(name), orientation);
            let found = decoded(&file).unwrap().orientation;
            assert_eq!(found.to_exif(), orientation, "{name}");
        }
        assert_eq!(
            decoded(&fixture(name)).unwrap().orientation,
            Orientation::NoTransforms
        );
    }
}

/// A fixture whose bytes `old` are replaced by `new`.
fn patched(name: &str, old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut bytes = fixture(name);
    let at = bytes.windows(old.len()).position(|b| b == old).unwrap();
    bytes.splice(at..at + old.len(), new.iter().copied());
    bytes
}

#[test]
fn structures_without_a_decoder_are_errors_in_words() {
    let coding = "a baseline or progressive JPEG with Huffman coding";
    let marker = |new: &[u8]| patched("ycc_444", &[0xff, 0xc0, 0, 17, 8], new);
    let factors = |name, h2: u8, h1: u8| {
        let of = |first, second| [45, 3, 1, first, 0, 2, second, 1];
        patched(name, &of(0x11, 0x11), &of(h1, h2))
    };
    let color = patched("ycc_adobe_jfif", b"\0\xff\xdb", b"\x09\xff\xdb");
    for (bytes, expected, got) in [
        (marker(&[0xff, 0xc3, 0, 17, 8]), coding, "a lossless one"),
        (
            marker(&[0xff, 0xc5, 0, 17, 8]),
            coding,
            "a hierarchical one",
        ),
        (
            marker(&[0xff, 0xc9, 0, 17, 8]),
            coding,
            "one with arithmetic coding",
        ),
        (
            marker(&[0xff, 0xc1, 0, 17, 12]),
            "a JPEG with 8 bits per sample",
            "12",
        ),
        (
            factors("ycc_444", 0x21, 0x31),
            "a JPEG whose sampling factors divide the largest one",
            "3x1, 2x1, 1x1",
        ),
        (
            factors("ycc_444_apart", 0x21, 0x41),
            "a JPEG with one scan of all components, or other sampling factors",
            "a scan for each component with the factors 4x1, 2x1, 1x1",
        ),
        (color, "a JPEG with Adobe's color transform 0, 1 or 2", "9"),
    ] {
        let words =
            format!("expected {expected}, got {got}. Save it again as an ordinary JPEG or as PNG");
        assert_eq!(error(&bytes), words);
    }
}

#[test]
fn pixels_match_the_image_crate() {
    let reference = |bytes: &[u8]| {
        DynamicImage::from_decoder(ImageJpegDecoder::new(Cursor::new(bytes)).unwrap()).unwrap()
    };
    let photographs = jpegs("assets/photographs");
    assert!(photographs.len() > 3);
    for path in photographs {
        let color = std::fs::read(&path).unwrap();
        let mut grey = Cursor::new(Vec::new());
        let image = DynamicImage::ImageLuma8(reference(&color).to_luma8());
        image.write_to(&mut grey, ImageFormat::Jpeg).unwrap();
        for bytes in [&color, grey.get_ref()] {
            assert!(
                decoded(bytes).unwrap().image == reference(bytes),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn a_file_that_ends_early_is_an_error() {
    let names = ["ycc_420", "ycc_420_apart", "ycc_420_progressive"];
    let mut files: Vec<Vec<u8>> = names.map(fixture).into();
    files.push(std::fs::read(&jpegs("assets/photographs")[0]).unwrap());
    for file in files {
        let n = file.len();
        for end in [n / 2, n * 2 / 3, n * 9 / 10, n - 9, n - 1] {
            assert_eq!(error(&file[..end]), "a JPEG that ends early");
        }
        for end in [3, 25, n / 8] {
            assert!(error(&file[..end]).starts_with("a JPEG "));
        }
    }
}

#[test]
fn the_memory_of_unusual_files_is_limited() {
    let limits = |pixels| Limits {
        pixels,
        ..Default::default()
    };
    let file = fixture("ycc_444_apart");
    // Planes of 48 x 40 samples with 3 bytes each, and 3 bytes per pixel: 22275 bytes of 12 per pixel.
    assert!(decode(&file, &limits(1857)).is_ok());
    let error = decode(&file, &limits(1856)).err().unwrap().to_string();
    assert_eq!(
        error,
        "expected at most 1664 pixels in an image of this structure, got 45 x 37 = 1665. If the file \
         is what you expect, raise the limit: candlebook::Limits { pixels: 1857, \
         ..Default::default() }.apply()"
    );
    assert!(decode(&fixture("ycc_444"), &limits(1665)).is_ok());
}
