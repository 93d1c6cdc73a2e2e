//! Hostile files: small, with claims of huge contents. Readers refuse them before they take memory.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod archives;
mod metadata;
mod models;
mod tables;

use candlebook::Limits;
use candlebook::data::{ArraySettings, Idx, npz_images};
use candlebook::prelude::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Limits and allocations belong to the process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    Limits::default().apply();
    guard
}

/// The value, and the bytes allocated for it: an upper bound of its peak.
fn allocated<T>(make: impl FnOnce() -> T) -> (T, usize) {
    let region = Region::new(ALLOCATOR);
    let value = make();
    (value, region.change().bytes_allocated)
}

/// The error of a file without its path, and the bytes allocated.
fn refused<'a, T>(
    path: &'a Path,
    read: impl FnOnce(&'a Path) -> Result<T, Error>,
) -> (String, usize) {
    let (result, bytes) = allocated(|| read(path));
    let text = match result {
        Ok(_) => panic!("{} is read", path.display()),
        Err(error) => error.to_string(),
    };
    let prefix = format!("{}: ", path.display());
    (
        text.strip_prefix(&prefix).unwrap_or(&text).to_owned(),
        bytes,
    )
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn encoded(format: image::ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let image = image::RgbImage::from_pixel(width, height, image::Rgb([9, 99, 199]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A GIF that claims 65,344 x 65,535 pixels.
fn giant_gif() -> Vec<u8> {
    let mut bytes = encoded(image::ImageFormat::Gif, 2, 2);
    bytes[6..10].copy_from_slice(&[0x40, 0xff, 0xff, 0xff]);
    bytes
}

/// A PNG that claims 65,535 x 65,535 pixels.
fn giant_png() -> Vec<u8> {
    let mut bytes = encoded(image::ImageFormat::Png, 2, 2);
    bytes[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    bytes
}

/// A JPEG, baseline or progressive, that claims 65,535 x 65,535 pixels.
fn giant_jpeg(progressive: bool) -> Vec<u8> {
    let mut bytes = encoded(image::ImageFormat::Jpeg, 2, 2);
    let at = bytes.windows(2).position(|b| b == [0xff, 0xc0]).unwrap();
    bytes[at + 1] = if progressive { 0xc2 } else { 0xc0 };
    bytes[at + 5..at + 9].fill(0xff);
    bytes
}

/// A lossless WebP that claims 16,383 x 16,383 pixels.
fn giant_webp() -> Vec<u8> {
    let mut bytes = encoded(image::ImageFormat::WebP, 2, 2);
    let at = bytes.windows(4).position(|b| b == b"VP8L").unwrap() + 9;
    // 14 bits of the width less 1, then as many of the height.
    let sides: u32 = 16_382 | 16_382 << 14;
    bytes[at..at + 4].copy_from_slice(&sides.to_le_bytes());
    bytes
}

/// A BMP that claims 65,535 x 65,535 pixels.
fn giant_bmp() -> Vec<u8> {
    let mut bytes = encoded(image::ImageFormat::Bmp, 2, 2);
    bytes[18..26].copy_from_slice(&[0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]);
    bytes
}

#[test]
fn an_image_of_any_format_is_refused_by_the_pixels_that_its_header_claims() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, size) in [
        ("a.gif", giant_gif(), "65344 x 65535 = 4282319040"),
        ("a.png", giant_png(), "65535 x 65535 = 4294836225"),
        ("a.jpg", giant_jpeg(false), "65535 x 65535 = 4294836225"),
        ("b.jpg", giant_jpeg(true), "65535 x 65535 = 4294836225"),
        ("a.webp", giant_webp(), "16383 x 16383 = 268402689"),
        ("a.bmp", giant_bmp(), "65535 x 65535 = 4294836225"),
    ] {
        let path = written(folder.path(), name, &bytes);
        let (error, bytes) = refused(&path, Image::open);
        let pixels = size.rsplit(' ').next().unwrap();
        assert_eq!(
            error,
            format!(
                "expected at most 64000000 pixels, got {size}. If the file is what you expect, raise \
                 the limit: candlebook::Limits {{ pixels: {pixels}, ..Default::default() }}.apply()"
            ),
            "{name}"
        );
        assert!(bytes < 1 << 20, "{name}: {bytes} bytes");
    }
}

#[test]
fn a_raised_limit_admits_the_image() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = written(
        folder.path(),
        "a.png",
        &encoded(image::ImageFormat::Png, 40, 30),
    );
    let limit = |pixels| {
        Limits {
            pixels,
            ..Default::default()
        }
        .apply();
    };
    limit(1199);
    let (error, _) = refused(&path, Image::open);
    assert!(
        error.starts_with("expected at most 1199 pixels, got 40 x 30 = 1200."),
        "{error}"
    );
    limit(1200);
    assert_eq!(Image::open(&path).unwrap().size(), Some((40, 30)));
    Limits::default().apply();
}

#[test]
fn a_tensor_of_an_image_is_made_without_copies() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let bytes = encoded(image::ImageFormat::Png, 500, 400);
    let image = Image::open(written(folder.path(), "a.png", &bytes)).unwrap();
    let (tensor, bytes) = allocated(|| image.tensor().unwrap());
    // Threads allocate a little; a copy as bytes would take 600,000.
    let f32_bytes = 4 * 3 * 500 * 400;
    assert!((f32_bytes..f32_bytes + 100_000).contains(&bytes), "{bytes}");
    let pixel = tensor.i((.., 399, 499)).unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(pixel, [9.0 / 255.0, 99.0 / 255.0, 199.0 / 255.0]);
}

#[test]
fn photographs_above_a_limit_are_replaced_as_unreadable_ones_are() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    for i in 0..6 {
        let bytes = encoded(image::ImageFormat::Png, 20, 20 + i);
        written(folder.path(), &format!("{i}.png"), &bytes);
    }
    written(folder.path(), "giant.gif", &giant_gif());
    written(folder.path(), "giant.jpg", &giant_jpeg(true));
    let settings = PhotoSettings {
        size: 8,
        ..Default::default()
    };
    let data = image_folder(folder.path(), &settings).unwrap();
    for split in [&data.train, &data.test] {
        assert_eq!(split.first(8).unwrap().dim(0).unwrap(), split.len());
    }
    assert_eq!(data.train.len() + data.test.len(), 8);
    let settings = PhotoSettings {
        max_unreadable: 0,
        ..settings
    };
    let data = image_folder(folder.path(), &settings).unwrap();
    let error =
        [&data.train, &data.test].map(|split| split.first(8).err().map(|error| error.to_string()));
    let error = error.into_iter().flatten().next().unwrap();
    assert!(
        error.contains("expected at most 0 unreadable photographs")
            && error.contains("expected at most 64000000 pixels, got "),
        "{error}"
    );
}

/// An IDX file's header of images.
fn idx_header(n: u32, side: u32) -> Vec<u8> {
    let numbers = [n, side, side].map(u32::to_be_bytes).concat();
    [&[0, 0, 8, 3], &numbers[..]].concat()
}

fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_is_unpacked_up_to_the_bytes_that_the_header_claims() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let bomb = gzip(&[idx_header(10, 100), vec![0; 64 << 20]].concat(), 1);
    let path = written(folder.path(), "bomb.gz", &bomb);
    let (error, bytes) = refused(&path, |path| Idx::read(path, 3));
    assert_eq!(
        error,
        "expected 100000 bytes after the header, for dimensions [10, 100, 100], got more. Delete the \
         file and download it again"
    );
    assert!(bytes < 1 << 20, "{bytes} bytes");
    let right = gzip(&[idx_header(10, 100), vec![7; 100_000]].concat(), 9);
    let path = written(folder.path(), "right.gz", &right);
    let (idx, bytes) = allocated(|| Idx::read(&path, 3).unwrap());
    assert_eq!(
        (idx.dims, idx.bytes),
        (vec![10, 100, 100], vec![7; 100_000])
    );
    assert!(bytes < 400_000, "{bytes} bytes");
}

#[test]
fn claims_of_compressed_files_are_limited() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    // 400 MB in 400 kB: possible, but unusual.
    let bytes = gzip(&[idx_header(400, 1000), vec![0; 400_000]].concat(), 0);
    let path = written(folder.path(), "large.gz", &bytes);
    let (error, allocations) = refused(&path, |path| Idx::read(path, 3));
    let packed = bytes.len();
    assert_eq!(
        error,
        format!(
            "expected at most 268435456 bytes after decompression, got 400000000 from {packed} \
             compressed bytes. If the file is what you expect, raise the limit: candlebook::Limits {{ \
             unpacked_bytes: 400000000, ..Default::default() }}.apply()"
        )
    );
    assert!(allocations < 1 << 20, "{allocations} bytes");
    // 400 MB in 1 kB: impossible.
    let path = written(folder.path(), "liar.gz", &gzip(&idx_header(400, 1000), 9));
    let (error, _) = refused(&path, |path| Idx::read(path, 3));
    assert!(
        error.starts_with("expected 400000000 bytes after the header, for dimensions [400, 1000, 1000], got at most "),
        "{error}"
    );
}

/// An archive of one array of bytes.
fn npz(path: &Path, shape: &str, mebibytes: usize) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .compression_level(Some(1));
    archive.start_file("x.npy", options).unwrap();
    let head = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
    archive.write_all(b"\x93NUMPY\x01\x00").unwrap();
    archive
        .write_all(&(head.len() as u16).to_le_bytes())
        .unwrap();
    archive.write_all(head.as_bytes()).unwrap();
    for _ in 0..mebibytes {
        archive.write_all(&[0; 1 << 20]).unwrap();
    }
    archive.finish().unwrap();
}

#[test]
fn arrays_of_archives_are_limited() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.npz");
    npz(&path, "(64, 1024, 1024)", 64);
    let read = |path: &Path| npz_images(path, &ArraySettings::default());
    Limits {
        unpacked_bytes: 1 << 25,
        ..Default::default()
    }
    .apply();
    let (error, bytes) = refused(&path.join("x"), |_| read(&path));
    assert!(
        error
            .starts_with("expected at most 33554432 bytes after decompression, got 67108864 from ")
            && error.contains("candlebook::Limits { unpacked_bytes: 67108864, "),
        "{error}"
    );
    assert!(bytes < 1 << 20, "{bytes} bytes");
    Limits::default().apply();
    let (data, bytes) = allocated(|| read(&path).unwrap());
    assert_eq!(data.train.len() + data.test.len(), 64);
    assert!(bytes < 65 << 20, "{bytes} bytes");
}
