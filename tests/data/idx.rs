//! The IDX format: complete files, and the exact errors of broken ones.

use candlebook::data::Idx;
use candlebook::data::idx_folder;
use std::io::Write;
use std::path::{Path, PathBuf};

/// An IDX file of images with this many bytes after the headerer.
fn images(n: u32, h: u32, w: u32, body: usize) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    [n, h, w].iter().for_each(|d| bytes.extend(d.to_be_bytes()));
    bytes.extend((0..body).map(|i| i as u8));
    bytes
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The error without its path.
fn error(path: &Path) -> String {
    let text = Idx::read(path, 3).unwrap_err().to_string();
    text.strip_prefix(&format!("{}: ", path.display()))
        .unwrap_or(&text)
        .to_owned()
}

#[test]
fn plain_and_gzipped_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = images(2, 3, 4, 24);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&bytes).unwrap();
    let plain = Idx::read(file(folder.path(), "a", &bytes), 3).unwrap();
    let packed = Idx::read(file(folder.path(), "b.gz", &gzip.finish().unwrap()), 3).unwrap();
    assert_eq!(
        plain,
        Idx {
            dims: vec![2, 3, 4],
            bytes: (0..24).collect()
        }
    );
    assert_eq!(plain, packed);
}

#[test]
fn errors_of_truncated_files_state_the_length() {
    let folder = tempfile::tempdir().unwrap();
    let redo = "Delete the file and download it again";
    let header = file(folder.path(), "header", &[0, 0, 8]);
    assert_eq!(
        error(&header),
        format!("expected an IDX header of 16 bytes, got 3 bytes. {redo}")
    );
    let body = file(folder.path(), "body", &images(2, 3, 4, 23));
    assert_eq!(
        error(&body),
        format!("expected 24 bytes after the header, for dimensions [2, 3, 4], got 23. {redo}")
    );
}

#[test]
fn wrong_and_overflowing_dimensions_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let more = file(folder.path(), "more", &images(3, 3, 4, 24));
    assert!(
        error(&more).starts_with("expected 36 bytes after the header"),
        "{}",
        error(&more)
    );
    let huge = file(
        folder.path(),
        "huge",
        &images(u32::MAX, u32::MAX, u32::MAX, 24),
    );
    assert!(
        error(&huge).starts_with("expected far too many bytes"),
        "{}",
        error(&huge)
    );
}

#[test]
fn errors_of_wrong_magic_numbers_explain_the_file_names() {
    let folder = tempfile::tempdir().unwrap();
    let labels = file(
        folder.path(),
        "labels",
        &[0, 0, 8, 1, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
    );
    assert_eq!(
        error(&labels),
        "expected IDX images, magic number [00, 00, 08, 03], got [00, 00, 08, 01]. Check the file name: \
         images end in -idx3-ubyte, labels in -idx1-ubyte"
    );
}

#[test]
fn damaged_gzip_and_missing_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&images(2, 3, 4, 24)).unwrap();
    let mut packed = gzip.finish().unwrap();
    packed.truncate(packed.len() / 2);
    let text = error(&file(folder.path(), "cut.gz", &packed));
    assert!(
        text.contains("expected complete gzip data") && text.contains("download it again"),
        "{text}"
    );
    let missing = error(&folder.path().join("none"));
    assert!(
        missing.starts_with("cannot read: No such file"),
        "{missing}"
    );
}

#[test]
fn an_idx_folder_becomes_a_dataset_with_optional_labels() {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |name: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(name), bytes).unwrap();
    let images = |n: u8| {
        [
            vec![0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 1, 0, 0, 0, 2],
            vec![9; 2 * n as usize],
        ]
        .concat()
    };
    write("train-images-idx3-ubyte", images(3));
    let error = idx_folder(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains(
            "expected a file t10k-images-idx3-ubyte, plain, .gz or in a .zip, got \
             train-images-idx3-ubyte. Name the four files as MNIST's"
        ),
        "{error}"
    );
    write("t10k-images-idx3-ubyte", images(1));
    write("t10k-labels-idx1-ubyte", vec![0, 0, 8, 1, 0, 0, 0, 1, 5]);
    let data = idx_folder(folder.path()).unwrap();
    assert_eq!(
        (data.train.len(), data.test.len(), data.image_shape()),
        (3, 1, (1, 1, 2))
    );
    assert_eq!(
        (data.train.labels(), data.test.labels()),
        (None, Some(vec![5]))
    );
}
