//! Parts of image files that claim to be longer than the file, or that grow when they are unpacked.

use crate::{allocated, alone, encoded, written};
use candlebook::prelude::*;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::ImageFormat;
use std::io::Write;
use std::path::Path;

/// Uncompressed color profile of a bomb.
const PROFILE_BYTES: usize = 96 << 20;

/// A file of the corpus with bytes replaced after the first occurrence of others.
fn changed(name: &str, after: &[u8], with: &[u8]) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/webp");
    let mut bytes = std::fs::read(path.join(name)).unwrap();
    let at = bytes.windows(after.len()).position(|b| b == after);
    let at = at.unwrap() + after.len();
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes
}

/// A PNG whose header is followed by a chunk with any length in its own header.
fn png(name: &[u8; 4], length: u32, contents: &[u8]) -> Vec<u8> {
    let mut bytes = encoded(ImageFormat::Png, 2, 2);
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(contents);
    let chunk = [
        &length.to_be_bytes(),
        &name[..],
        contents,
        &crc.sum().to_be_bytes(),
    ]
    .concat();
    bytes.splice(33..33, chunk);
    bytes
}

/// A PNG of some kB with a color profile of 96 MiB.
fn png_with_profile() -> Vec<u8> {
    let mut packed = ZlibEncoder::new(b"profile\0\0".to_vec(), Compression::best());
    packed.write_all(&vec![0; PROFILE_BYTES]).unwrap();
    let contents = packed.finish().unwrap();
    png(b"iCCP", contents.len() as u32, &contents)
}

/// A JPEG that begins with a segment of the greatest length.
fn jpeg(marker: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = encoded(ImageFormat::Jpeg, 2, 2);
    let segment = [&[0xff, marker, 0xff, 0xff], contents].concat();
    bytes.splice(2..2, segment);
    bytes
}

/// A GIF whose frame is preceded by an extension that names an application.
fn gif(application: &[u8; 11]) -> Vec<u8> {
    let mut bytes = encoded(ImageFormat::Gif, 2, 2);
    let at = bytes.windows(2).position(|b| b == [b',', 0]).unwrap();
    let extension = [&[0x21, 0xff, 11], &application[..], &[0xff]].concat();
    bytes.splice(at..at, extension);
    bytes
}

/// A BMP with a number of four bytes changed.
fn bmp(at: usize, number: u32) -> Vec<u8> {
    let mut bytes = encoded(ImageFormat::Bmp, 2, 2);
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    bytes
}

fn allocations(bytes: &[u8]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "file", bytes);
    // Some of these files are read all the same.
    let (_, allocated) = allocated(|| Image::open(&path).map(|_| ()));
    allocated
}

#[test]
fn a_part_that_claims_to_be_longer_than_its_file_takes_no_memory() {
    let _alone = alone();
    let giant = [0xff, 0x3f, 0xff, 0x3f];
    let profile = b"ICC_PROFILE\0\x01\xff";
    let extended = b"http://ns.adobe.com/xmp/extension/\0";
    for (name, file) in [
        ("EXIF of a WebP", changed("exif.webp", b"EXIF", &[0xff; 4])),
        (
            "color profile of a WebP",
            changed("lossy_alpha.webp", b"ALPH", &[0xff; 4]),
        ),
        (
            "frame of a WebP",
            changed("lossy_alpha.webp", b"\x9d\x01\x2a", &giant),
        ),
        (
            "animation of a WebP",
            changed("animated.webp", b"\x9d\x01\x2a", &giant),
        ),
        (
            "color profile of a PNG",
            png(b"iCCP", 0x7fff_ffff, b"profile\0\0"),
        ),
        ("EXIF of a PNG", png(b"eXIf", 0x7fff_ffff, b"MM\0*")),
        (
            "text of a PNG",
            png(b"tEXt", 0x7fff_ffff, b"XML:com.adobe.xmp\0"),
        ),
        (
            "compressed text of a PNG",
            png(b"zTXt", 0x7fff_ffff, b"a\0\0"),
        ),
        (
            "Unicode text of a PNG",
            png(b"iTXt", 0x7fff_ffff, b"a\0\0\0\0\0"),
        ),
        ("unknown chunk of a PNG", png(b"abcd", 0x7fff_ffff, b"")),
        ("EXIF of a JPEG", jpeg(0xe1, b"Exif\0\0")),
        (
            "XMP of a JPEG",
            jpeg(0xe1, &[&extended[..], &[0xff; 40]].concat()),
        ),
        ("color profile of a JPEG", jpeg(0xe2, profile)),
        ("comment of a JPEG", jpeg(0xfe, b"")),
        ("XMP of a GIF", gif(b"XMP DataXMP")),
        ("color profile of a GIF", gif(b"ICCRGBG1012")),
        ("header of a BMP", bmp(14, u32::MAX)),
        ("palette of a BMP", bmp(46, u32::MAX)),
        ("place of a BMP's pixels", bmp(10, u32::MAX)),
    ] {
        let bytes = allocations(&file);
        assert!(bytes < 1 << 20, "{name}: {bytes} bytes");
    }
}

#[test]
fn a_color_profile_is_unpacked_up_to_a_limit() {
    let _alone = alone();
    let file = png_with_profile();
    assert!(file.len() < PROFILE_BYTES / 500);
    let bytes = allocations(&file);
    // Its memory grows by doubling up to 64 MiB.
    assert!(bytes < 2 * (64 << 20), "{bytes} bytes");
}
