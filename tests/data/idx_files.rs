//! MNIST's four files under their common names, gzipped, and in zip archives.

use crate::support::error;
use candlebook::data::idx_folder;
use candlebook::prelude::*;
use std::io::Write;
use std::path::Path;
use zip::CompressionMethod::{Deflated, Stored};

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// Images of 2 x 2 pixels, of which image i is all 10 i, and their labels 0, 1, ...
fn contents() -> [Vec<u8>; 4] {
    let images = |n: u8| {
        let header = [0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 2, 0, 0, 0, 2];
        [header.to_vec(), (0..n).flat_map(|i| [10 * i; 4]).collect()].concat()
    };
    let labels = |n: u8| [vec![0, 0, 8, 1, 0, 0, 0, n], (0..n).collect()].concat();
    [images(6), labels(6), images(2), labels(2)]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Writes a zip archive.
fn zip(folder: &Path, name: &str, entries: &[(&str, &[u8])], method: zip::CompressionMethod) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(folder.join(name)).unwrap());
    for (name, bytes) in entries {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

/// Asserts that this is the data set of [`contents`].
fn check(data: Result<Dataset, Error>, name: &str) {
    let data = data.unwrap_or_else(|error| panic!("{name}: {error}"));
    let found = (data.train.len(), data.test.len(), data.train.labels());
    assert_eq!(found, (6, 2, Some(vec![0, 1, 2, 3, 4, 5])), "{name}");
    let last = data.train.images(&[5]).unwrap().i((0, 0, 1, 1)).unwrap();
    assert_eq!(last.to_scalar::<f32>().unwrap(), 50.0 / 255.0, "{name}");
    assert_eq!(data.test.labels(), Some(vec![0, 1]), "{name}");
}

#[test]
fn files_are_found_by_their_common_names() {
    let dots = NAMES.map(|name| name.replace("-idx", ".idx"));
    let sets = [
        ("dots", dots.clone()),
        ("upper case", dots.map(|name| name.to_uppercase())),
        ("underscores", NAMES.map(|name| name.replace('-', "_"))),
        (
            "short",
            NAMES.map(|name| name[..name.len() - 11].to_owned()),
        ),
        ("test", NAMES.map(|name| name.replace("t10k", "test"))),
        ("folders", NAMES.map(|name| format!("{name}/{name}"))),
        (
            "folders and dots",
            NAMES.map(|name| format!("{name}/{}", name.replace("-idx", ".idx"))),
        ),
    ];
    for (set, names) in sets {
        for packed in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            for (name, bytes) in names.iter().zip(contents()) {
                match packed {
                    false => put(folder.path(), name, &bytes),
                    true => put(folder.path(), &format!("{name}.gz"), &gzip(&bytes)),
                }
            }
            check(idx_folder(folder.path()), set);
        }
    }
}

#[test]
fn gzip_of_several_members_is_whole_and_other_bytes_after_it_are_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (name, bytes) in NAMES.iter().zip(contents()) {
        put(root, name, &bytes);
    }
    std::fs::remove_file(root.join(NAMES[0])).unwrap();
    let images = &contents()[0];
    let (start, end) = images.split_at(20);
    let members = [gzip(start), gzip(b""), gzip(end)].concat();
    let name = format!("{}.gz", NAMES[0]);
    for after in [&b""[..], &[0; 700], b"not gzip"] {
        put(root, &name, &[&members[..], after].concat());
        check(idx_folder(root), "members");
    }
    put(root, &name, &[gzip(images), gzip(b"x")].concat());
    let text = error(idx_folder(root));
    let words = "expected 24 bytes after the header, for dimensions [6, 2, 2], got more. ";
    assert!(text.contains(words), "{text}");
    put(root, &name, &members[..members.len() - 1]);
    let text = error(idx_folder(root));
    assert!(text.contains("expected complete gzip data, got "), "{text}");
}

#[test]
fn archives_of_one_file_or_of_all_are_read() {
    let bytes = contents();
    let packed = contents().map(|bytes| gzip(&bytes));
    let nested = NAMES.map(|name| format!("archive/{name}/{}", name.replace("-idx", ".idx")));
    let gz = NAMES.map(|name| format!("raw/{name}.gz"));
    for method in [Stored, Deflated] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let entries: Vec<_> = nested
            .iter()
            .zip(&bytes)
            .map(|(n, b)| (&n[..], &b[..]))
            .collect();
        zip(root, "archive.zip", &entries, method);
        check(idx_folder(root), "all");
        check(idx_folder(root.join("archive.zip")), "the archive itself");
        let entries: Vec<_> = gz
            .iter()
            .zip(&packed)
            .map(|(n, b)| (&n[..], &b[..]))
            .collect();
        zip(root, "archive.zip", &entries, method);
        check(idx_folder(root), "gzip in zip");
        std::fs::remove_file(root.join("archive.zip")).unwrap();
        for (i, (name, bytes)) in NAMES.iter().zip(&bytes).enumerate() {
            let inner = if i == 0 { "data" } else { name };
            zip(root, &format!("{name}.ZIP"), &[(inner, bytes)], method);
        }
        check(idx_folder(root), "one each");
    }
}

#[test]
fn errors_name_the_files_that_were_found() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let words = |got: &str| {
        format!(
            "{}: expected a file train-images-idx3-ubyte, plain, .gz or in a .zip, got {got}. Name the four \
             files as MNIST's, train-images-idx3-ubyte and so on",
            root.display()
        )
    };
    assert_eq!(error(idx_folder(root)), words("an empty folder"));
    put(root, "emnist-letters-train-images-idx3-ubyte", b"");
    put(root, "notes.txt", b"");
    let found = "emnist-letters-train-images-idx3-ubyte, notes.txt";
    assert_eq!(error(idx_folder(root)), words(found));
    put(root, "mnist.zip", b"PK\x03\x04 damaged");
    let text = error(idx_folder(root));
    assert!(
        text.contains("mnist.zip: expected a complete zip archive, got "),
        "{text}"
    );
    let none = root.join("none");
    let text = error(idx_folder(&none));
    assert!(text.contains(".zip, got no such folder. "), "{text}");
}

#[test]
fn damage_in_an_archive_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let bytes = contents();
    let entries: Vec<_> = NAMES
        .iter()
        .zip(&bytes)
        .map(|(n, b)| (*n, &b[..]))
        .collect();
    zip(root, "a.zip", &entries, Stored);
    let mut archive = std::fs::read(root.join("a.zip")).unwrap();
    let pixels = archive
        .windows(4)
        .position(|bytes| bytes == [50; 4])
        .unwrap();
    archive[pixels] = 51;
    put(root, "a.zip", &archive);
    let text = error(idx_folder(root));
    let words = "a.zip/train-images-idx3-ubyte: ";
    assert!(text.contains(words) && text.contains("checksum"), "{text}");
}

#[test]
fn an_archive_given_as_a_file_names_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    zip(folder.path(), "a.zip", &[("x", b"x")], Stored);
    let path = folder.path().join("a.zip");
    let text = error(candlebook::data::Idx::read(path, 3));
    let words =
        "expected IDX data, got a zip archive. Unpack it, or load its folder with idx_folder";
    assert!(text.ends_with(words), "{text}");
}
