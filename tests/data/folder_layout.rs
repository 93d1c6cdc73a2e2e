//! Layouts of image folders, by the colors of the images that are read.

use crate::support::colors;
use candlebook::prelude::*;
use image::{Rgb, RgbImage};
use std::collections::BTreeSet;
use std::path::Path;

const RED: [u8; 3] = [200, 0, 0];
const GREEN: [u8; 3] = [0, 200, 0];

/// Writes images of one color.
fn put(root: &Path, folder: &str, n: usize, color: [u8; 3]) {
    let folder = root.join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    for i in 0..n {
        let image = RgbImage::from_pixel(12, 12, Rgb(color));
        image.save(folder.join(format!("{i}_100.png"))).unwrap();
    }
}

fn read(root: &Path) -> Dataset {
    let settings = PhotoSettings {
        size: 8,
        ..Default::default()
    };
    image_folder(root, &settings).unwrap()
}

/// The colors of a split.
fn palette(split: &Split) -> BTreeSet<[u8; 3]> {
    colors(split).into_iter().collect()
}

#[test]
fn checkpoints_of_jupyter_are_no_class_and_no_image() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "cats", 6, RED);
    put(root, "dogs", 6, RED);
    put(root, ".ipynb_checkpoints", 1, GREEN);
    put(root, "cats/.ipynb_checkpoints", 1, GREEN);
    put(root, "__MACOSX/cats", 1, GREEN);
    let data = read(root);
    assert_eq!(data.train.len() + data.test.len(), 12);
    assert_eq!(data.train.classes().unwrap(), ["cats", "dogs"]);
    for split in [&data.train, &data.test] {
        assert_eq!(palette(split), BTreeSet::from([RED]));
    }
}

#[test]
fn splits_with_capitals_are_splits() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for fruit in ["Apple", "Pear"] {
        put(root, &format!("Training/{fruit}"), 8, RED);
        put(root, &format!("Test/{fruit}"), 2, GREEN);
    }
    let data = read(root);
    assert_eq!((data.train.len(), data.test.len()), (16, 4));
    assert_eq!(data.train.classes().unwrap(), ["Apple", "Pear"]);
    assert_eq!(data.test.labels().unwrap(), [0, 0, 1, 1]);
    assert_eq!(palette(&data.train), BTreeSet::from([RED]));
    assert_eq!(palette(&data.test), BTreeSet::from([GREEN]));
}

#[test]
fn an_unpacked_archive_and_a_test_folder_beside_classes_keep_test_images_apart() {
    for (train, test) in [
        ("archive/train/", "archive/test/"),
        ("", "test/"),
        ("training_set/training_set/", "test_set/test_set/"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for class in ["cats", "dogs"] {
            put(folder.path(), &format!("{train}{class}"), 3, RED);
            put(folder.path(), &format!("{test}{class}"), 2, GREEN);
        }
        let data = read(folder.path());
        assert_eq!(data.train.labels().unwrap(), [0, 0, 0, 1, 1, 1], "{test}");
        assert_eq!(data.test.labels().unwrap(), [0, 0, 1, 1], "{test}");
        assert_eq!(palette(&data.train), BTreeSet::from([RED]), "{test}");
        assert_eq!(palette(&data.test), BTreeSet::from([GREEN]), "{test}");
    }
}
