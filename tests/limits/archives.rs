//! IDX files in zip archives: small, with claims of huge contents.

use crate::{allocated, alone, gzip, idx_header, refused};
use candlebook::Limits;
use candlebook::data::idx_folder;
use std::io::Write;
use std::path::Path;

const ENTRY: &str = "train-images-idx3-ubyte";

/// An archive of the training images alone.
fn archive(folder: &Path, name: &str, bytes: &[u8], deflated: bool) {
    let file = std::fs::File::create(folder.join("a.zip")).unwrap();
    let mut archive = zip::ZipWriter::new(file);
    let options = zip::write::SimpleFileOptions::default().compression_method(match deflated {
        true => zip::CompressionMethod::Deflated,
        false => zip::CompressionMethod::Stored,
    });
    archive.start_file(name, options).unwrap();
    archive.write_all(bytes).unwrap();
    archive.finish().unwrap();
}

#[test]
fn entries_are_unpacked_up_to_the_bytes_that_their_header_claims() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let bomb = [idx_header(10, 100), vec![0; 64 << 20]].concat();
    let words = "expected 100000 bytes after the header, for dimensions [10, 100, 100], got ";
    for (name, bytes) in [
        (ENTRY, bomb.clone()),
        ("train-images-idx3-ubyte.gz", gzip(&bomb, 9)),
    ] {
        archive(root, name, &bytes, true);
        let (error, bytes) = refused(root, idx_folder);
        assert!(error.contains(words), "{name}: {error}");
        assert!(bytes < 1 << 20, "{name}: {bytes} bytes");
    }
    archive(
        root,
        ENTRY,
        &[idx_header(10, 100), vec![0; 99_999]].concat(),
        false,
    );
    let (error, _) = refused(root, idx_folder);
    assert!(
        error.contains(words) && error.contains("got 99999. "),
        "{error}"
    );
}

#[test]
fn claims_of_entries_are_limited() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let images = [idx_header(400, 1000), vec![0; 1000]].concat();
    // 400 MB in some bytes: impossible, even in gzip in a zip archive.
    for (name, bytes) in [
        (ENTRY, images.clone()),
        ("train-images-idx3-ubyte.gz", gzip(&images, 9)),
    ] {
        for deflated in [true, false] {
            archive(root, name, &bytes, deflated);
            let (error, bytes) = refused(root, idx_folder);
            let words =
                "expected 400000000 bytes after the header, for dimensions [400, 1000, 1000]";
            assert!(error.contains(words), "{name}, {deflated}: {error}");
            assert!(bytes < 1 << 20, "{name}: {bytes} bytes");
        }
    }
}

#[test]
fn a_raised_limit_admits_the_entry() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let images = [idx_header(10, 100), vec![7; 100_000]].concat();
    archive(root, ENTRY, &images, true);
    std::fs::write(root.join("t10k-images-idx3-ubyte"), &images).unwrap();
    let limit = |unpacked_bytes| {
        Limits {
            unpacked_bytes,
            ..Default::default()
        }
        .apply();
    };
    limit(99_999);
    let (error, _) = refused(root, idx_folder);
    let words = "expected at most 99999 bytes after decompression, got 100000 from ";
    assert!(error.contains(words), "{error}");
    limit(100_000);
    let (data, bytes) = allocated(|| idx_folder(root).unwrap());
    assert_eq!((data.train.len(), data.test.len()), (10, 10));
    assert!(bytes < 1 << 20, "{bytes} bytes");
    Limits::default().apply();
}
