//! The IDX reader: whole files, and every way in which one can be broken, with the error word for word.

use candlebook::data::Idx;
use std::io::Write;
use std::path::{Path, PathBuf};

fn pictures(n: u32, h: u32, w: u32, body: usize) -> Vec<u8> {
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

/// The message without the path in front.
fn error(path: &Path) -> String {
    let text = Idx::read(path, 3).unwrap_err().to_string();
    text.strip_prefix(&format!("{}: ", path.display()))
        .unwrap_or(&text)
        .to_owned()
}

#[test]
fn reads_plain_and_gzipped_files_alike() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = pictures(2, 3, 4, 24);
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
fn truncated_files_say_how_many_bytes_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let redo = "Delete the file and fetch it again";
    let head = file(folder.path(), "head", &[0, 0, 8]);
    assert_eq!(
        error(&head),
        format!("expected an IDX head of 16 bytes, got 3 bytes. {redo}")
    );
    let body = file(folder.path(), "body", &pictures(2, 3, 4, 23));
    assert_eq!(
        error(&body),
        format!("expected 24 bytes after the head, for dimensions [2, 3, 4], got 23. {redo}")
    );
}

#[test]
fn a_wrong_count_is_found_also_when_it_overflows() {
    let folder = tempfile::tempdir().unwrap();
    let more = file(folder.path(), "more", &pictures(3, 3, 4, 24));
    assert!(
        error(&more).starts_with("expected 36 bytes after the head"),
        "{}",
        error(&more)
    );
    let huge = file(
        folder.path(),
        "huge",
        &pictures(u32::MAX, u32::MAX, u32::MAX, 24),
    );
    assert!(
        error(&huge).starts_with("expected far too many bytes"),
        "{}",
        error(&huge)
    );
}

#[test]
fn a_wrong_magic_number_names_both_kinds_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let labels = file(
        folder.path(),
        "labels",
        &[0, 0, 8, 1, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
    );
    assert_eq!(
        error(&labels),
        "expected IDX pictures, magic number [00, 00, 08, 03], got [00, 00, 08, 01]. Check that this is the right file; \
         pictures end in -idx3-ubyte, labels in -idx1-ubyte"
    );
}

#[test]
fn damaged_gzip_and_missing_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&pictures(2, 3, 4, 24)).unwrap();
    let mut packed = gzip.finish().unwrap();
    packed.truncate(packed.len() / 2);
    let text = error(&file(folder.path(), "cut.gz", &packed));
    assert!(
        text.contains("expected whole gzip data") && text.contains("cut off or damaged"),
        "{text}"
    );
    let missing = error(&folder.path().join("none"));
    assert!(
        missing.starts_with("cannot read: No such file"),
        "{missing}"
    );
}
