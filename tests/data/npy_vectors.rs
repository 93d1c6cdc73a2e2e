//! Vectors from NumPy arrays.

use crate::support::error;
use candlebook::data::{ArraySettings, npy_vectors, npz_vectors};
use std::io::Write;
use std::path::Path;

fn array(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let length = (head.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], head.as_bytes(), data].concat()
}

/// All vectors of a file, in their order.
fn vectors(dir: &Path, bytes: &[u8]) -> Vec<f32> {
    let path = dir.join("x.npy");
    std::fs::write(&path, bytes).unwrap();
    let settings = ArraySettings {
        test_images: Some(path.to_str().unwrap().into()),
        ..Default::default()
    };
    let data = npy_vectors(&path, &settings).unwrap();
    assert_eq!(data.image_shape(), (1, 1, 3));
    let all = data.train.first(9).unwrap();
    all.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn numbers_of_every_type_and_order_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let values = [-1f32, 2.5, 1000.0, 4.0, 0.0, -6.0];
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let read = |bytes: &[u8]| vectors(dir.path(), bytes);
    assert_eq!(read(&array("<f4", "False", "(2, 3)", &bytes)), values);
    let columns: Vec<u8> = [0, 3, 1, 4, 2, 5]
        .iter()
        .flat_map(|&i| f64::from(values[i]).to_be_bytes())
        .collect();
    assert_eq!(read(&array(">f8", "True", "(2, 3)", &columns)), values);
    // np.array([[-1, 2.5, 1000], [4, 0, -6]], '<f2').tobytes()
    let half = [
        0x00, 0xbc, 0x00, 0x41, 0xd0, 0x63, 0x00, 0x44, 0x00, 0x00, 0x00, 0xc6,
    ];
    assert_eq!(read(&array("<f2", "False", "(2, 3)", &half)), values);
    let signed = [-3i16, 0, 7, 300, -300, 1].map(i16::to_le_bytes).concat();
    let expected = [-3.0, 0.0, 7.0, 300.0, -300.0, 1.0];
    assert_eq!(read(&array("<i2", "False", "(2, 3)", &signed)), expected);
    let bytes = [0, 51, 255, 1, 2, 3];
    let expected = [0.0, 51.0, 255.0, 1.0, 2.0, 3.0];
    assert_eq!(read(&array("|u1", "False", "(2, 3)", &bytes)), expected);
}

#[test]
fn an_archive_has_vectors_and_labels() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.npz");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in [
        (
            "x.npy",
            array("|i1", "False", "(3, 2)", &[1, 2, 3, 4, 5, 255]),
        ),
        ("y.npy", array("|u1", "False", "(3,)", &[7, 8, 7])),
    ] {
        archive.start_file(name, options).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap();
    let settings = ArraySettings {
        labels: Some("y".into()),
        ..Default::default()
    };
    let data = npz_vectors(&path, &settings).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (2, 1));
    let mut labels = data.train.labels().unwrap();
    labels.extend(data.test.labels().unwrap());
    labels.sort_unstable();
    assert_eq!(labels, [7, 7, 8]);
}

#[test]
fn other_shapes_and_values_are_explained() {
    let dir = tempfile::tempdir().unwrap();
    let read = |bytes: &[u8]| {
        let path = dir.path().join("x.npy");
        std::fs::write(&path, bytes).unwrap();
        error(npy_vectors(&path, &ArraySettings::default()))
    };
    let images = array("|u1", "False", "(1, 2, 2)", &[0; 4]);
    assert!(read(&images).contains("expected vectors of shape (n, d), got [1, 2, 2]. In Python"));
    let empty = array("|u1", "False", "(0, 2)", &[]);
    assert!(read(&empty).contains("expected at least one vector of at least one value"));
    let nan = [1f32, 2.0, 3.0, f32::NAN].map(f32::to_le_bytes).concat();
    let nan = read(&array("<f4", "False", "(2, 2)", &nan));
    assert!(
        nan.contains("expected finite numbers, got NaN at [1, 1]"),
        "{nan}"
    );
    let large = [1e300f64, 2.0].map(f64::to_le_bytes).concat();
    assert!(read(&array("<f8", "False", "(1, 2)", &large)).contains("got inf at [0, 0]"));
    let single = array("|u1", "False", "(1, 2)", &[1, 2]);
    assert!(read(&single).contains("expected at least two vectors, got 1"));
}
