//! CIFAR-10: its file format, the search for it, and its errors.

use crate::common::environment;
use crate::support::{error, table};
use candlebook::data::cifar10_folder;
use candlebook::prelude::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

const FILES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];
const RECORD: usize = 3073;

/// A label and an image: red is the row, green the column, blue constant.
fn record(label: u8, blue: u8) -> Vec<u8> {
    let red = (0..1024).map(|i| (i / 32) as u8);
    let green = (0..1024).map(|i| (i % 32) as u8);
    std::iter::once(label)
        .chain(red)
        .chain(green)
        .chain(std::iter::repeat_n(blue, 1024))
        .collect()
}

/// Writes the six files with two records each.
fn write(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    for (i, name) in FILES.iter().enumerate() {
        let i = i as u8;
        std::fs::write(
            folder.join(name),
            [record(i, 10 * i), record(9 - i, 200 + i)].concat(),
        )
        .unwrap();
    }
}

#[test]
fn images_labels_and_class_names_are_read_in_order() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let data = cifar10_folder(folder.path()).unwrap();
    assert_eq!(
        (data.train.len(), data.test.len(), data.image_shape()),
        (10, 2, (3, 32, 32))
    );
    assert_eq!(data.train.labels().unwrap(), [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]);
    assert_eq!(data.test.labels().unwrap(), [5, 4]);
    assert_eq!(data.train.classes().unwrap()[3], "cat");
    let images = (data.train.images(&[2, 3]).unwrap() * 255.0).unwrap();
    let value = |at: (usize, usize, usize, usize)| {
        images.i(at).unwrap().to_scalar::<f32>().unwrap().round() as u8
    };
    assert_eq!(
        [
            value((0, 0, 7, 3)),
            value((0, 1, 7, 3)),
            value((0, 2, 7, 3))
        ],
        [7, 3, 10]
    );
    assert_eq!(
        [
            value((1, 0, 31, 0)),
            value((1, 1, 0, 31)),
            value((1, 2, 0, 0))
        ],
        [31, 31, 201]
    );
    let table = table(&data);
    assert!(
        table.contains("CIFAR-10") && table.contains("3 x 32 x 32") && table.contains("10 classes"),
        "{table}"
    );
}

#[test]
fn class_names_come_from_the_meta_file() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let names: Vec<String> = (0..12).map(|i| format!("kind {i}")).collect();
    std::fs::write(
        folder.path().join("batches.meta.txt"),
        names.join("\n") + "\n\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("test_batch.bin"), record(11, 0)).unwrap();
    let data = cifar10_folder(folder.path()).unwrap();
    assert_eq!(
        (data.test.labels().unwrap(), data.test.classes().unwrap()),
        (vec![11], names.as_slice())
    );
}

#[test]
fn damaged_and_missing_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root);
    let file = root.join("data_batch_2.bin");
    for (bytes, got) in [
        (vec![0; RECORD - 1], "3072 bytes"),
        (vec![0; RECORD + 1], "3074 bytes"),
        (vec![], "0 bytes"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(
            error(cifar10_folder(root)),
            format!(
                "{}: expected one or more records of 3073 bytes, got {got}. Use the binary version, \
                 cifar-10-binary.tar.gz, not cifar-10-python",
                file.display()
            )
        );
    }
    std::fs::write(&file, [record(9, 0), record(10, 0)].concat()).unwrap();
    let text = error(cifar10_folder(root));
    assert!(
        text.contains("expected labels from 0 to 9, got 10 in record 1. "),
        "{text}"
    );
    std::fs::remove_file(&file).unwrap();
    let text = error(cifar10_folder(root));
    let words = format!(
        "{}: expected a file data_batch_2.bin, got none. ",
        root.display()
    );
    assert!(text.starts_with(&words), "{text}");
    let text = error(cifar10_folder(root.join("nowhere")));
    assert!(
        text.contains("nowhere: expected a file data_batch_1.bin, got none. Name the six files"),
        "{text}"
    );
}

#[test]
fn the_data_folder_and_the_cache_are_searched() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for place in ["", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin"] {
        let data = root.join(format!("{}-data", place.len()));
        write(&data.join(place));
        let _guard = environment(&[
            ("CANDLEBOOK_DATA", data.to_str().unwrap()),
            ("CANDLEBOOK_OFFLINE", "1"),
        ]);
        assert_eq!(cifar10().unwrap().train.len(), 10, "{place}");
    }
    write(&root.join("cache/cifar10/cifar-10-batches-bin"));
    let _guard = environment(&[
        ("CANDLEBOOK_CACHE", root.join("cache").to_str().unwrap()),
        ("CANDLEBOOK_OFFLINE", "1"),
    ]);
    assert_eq!(cifar10().unwrap().test.len(), 2);
}

#[test]
fn a_failed_download_is_an_error_with_a_hint() {
    let cache = tempfile::tempdir().unwrap();
    let _guard = environment(&[
        ("CANDLEBOOK_OFFLINE", "1"),
        ("CANDLEBOOK_CACHE", cache.path().to_str().unwrap()),
    ]);
    assert_eq!(
        error(cifar10()),
        "cifar-10-binary.tar.gz: expected a download from one of 0 mirrors, got: CANDLEBOOK_OFFLINE is set. Check the \
         network, or set CANDLEBOOK_DATA and put cifar-10-binary.tar.gz into $CANDLEBOOK_DATA/cifar10"
    );
}

#[test]
fn an_archive_with_another_checksum_is_rejected_and_not_cached() {
    let cache = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mirror = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let n = stream.read(&mut request).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlogin")
            .unwrap();
        String::from_utf8_lossy(&request[..n]).into_owned()
    });
    let _guard = environment(&[
        ("CANDLEBOOK_MIRROR", &mirror),
        ("CANDLEBOOK_CACHE", cache.path().to_str().unwrap()),
    ]);
    let text = error(cifar10());
    assert!(
        text.contains("1 mirrors")
            && text.contains("expected CIFAR-10's archive (SHA-256 c4a38c50a1bc"),
        "{text}"
    );
    assert!(
        asked
            .join()
            .unwrap()
            .starts_with("GET /cifar10/cifar-10-binary.tar.gz ")
    );
    assert_eq!(
        std::fs::read_dir(cache.path()).unwrap().count(),
        0,
        "nothing is cached"
    );
    // The same for a file in the data folder.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cifar-10-binary.tar.gz"), "login").unwrap();
    drop(_guard);
    let _guard = environment(&[
        ("CANDLEBOOK_DATA", folder.path().to_str().unwrap()),
        ("CANDLEBOOK_OFFLINE", "1"),
    ]);
    assert!(error(cifar10()).contains("Delete the file if it is damaged"));
}
