//! LMDB databases of every structure: read as the LMDB library reads them.

use crate::caffe::{Writer, datum, key, pixels, pixels_of, write};
use crate::support::colors;
use candlebook::data::lmdb_folder;
use candlebook::prelude::*;
use std::collections::HashMap;
use std::path::Path;

/// A color for each label.
fn color(label: u32) -> [u8; 3] {
    [label as u8, (label >> 8) as u8, 7]
}

/// Records of pixels, with the numbers as labels.
struct Records {
    label_of: HashMap<Vec<u8>, u32>,
}

impl Records {
    fn new() -> Records {
        Records {
            label_of: HashMap::new(),
        }
    }

    /// A record with the next label.
    fn next(&mut self, shape: [usize; 2]) -> Vec<u8> {
        let label = self.label_of.len() as u32;
        let record = pixels_of(shape, color(label), Some(i64::from(label)));
        self.label_of.insert(record.clone(), label);
        record
    }

    /// Compares labels and pixels with those of the library, for the state on the disk.
    fn check(&self, root: &Path, writer: &Writer) {
        let data = lmdb_folder(
            root,
            &PhotoSettings {
                size: 2,
                ..Default::default()
            },
        )
        .unwrap();
        let labels = writer.values().into_iter().map(|v| self.label_of[&v]);
        let labels: Vec<u32> = labels.collect();
        let expected: Vec<_> = labels.iter().map(|&label| color(label)).collect();
        assert_eq!(data.train.labels(), Some(labels));
        assert_eq!(colors(&data.train), expected);
    }
}

/// A folder of a training set that is being written, and a test set of one record.
fn folder() -> (tempfile::TempDir, Writer) {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("val"), &[pixels([0; 3], Some(0))]);
    let writer = Writer::create(&folder.path().join("train"));
    (folder, writer)
}

#[test]
fn several_levels_of_branch_pages() {
    let (folder, writer) = folder();
    let mut records = Records::new();
    writer.put((0..12_000).map(|i| (key(i), records.next([2, 2]))));
    assert_eq!(writer.depth_and_overflow_pages(), (3, 0));
    records.check(folder.path(), &writer);
}

#[test]
fn overflow_pages_between_inline_records() {
    let (folder, writer) = folder();
    let mut records = Records::new();
    // 3 h w + 10 bytes: within a leaf page, and from one to 30 overflow pages.
    let sides = [4, 26, 27, 36, 37, 63, 64, 200];
    writer.put((0..400).map(|i| (key(i), records.next([sides[i % 8]; 2]))));
    let (_, pages) = writer.depth_and_overflow_pages();
    assert!(pages > 50 * 30, "{pages}");
    records.check(folder.path(), &writer);
}

#[test]
fn keys_in_any_order_of_insertion() {
    let (folder, writer) = folder();
    let mut records = Records::new();
    for n in 0..30 {
        writer.put((0..100).map(|i| (key((i * 30 + n) * 7919 % 3001), records.next([4, 6 + i]))));
    }
    records.check(folder.path(), &writer);
}

#[test]
fn every_transaction_and_pages_that_are_free_again() {
    let (folder, writer) = folder();
    let mut records = Records::new();
    for n in 0..6 {
        writer.put((0..200).map(|i| (key(n * 200 + i), records.next([4, 10 * n + 4]))));
        // The newer meta page is the first one and the second one in turns.
        records.check(folder.path(), &writer);
        writer.delete((0..150).map(|i| key(n * 200 + i)));
        records.check(folder.path(), &writer);
    }
}

#[test]
fn a_compacted_copy() {
    let (folder, writer) = folder();
    let mut records = Records::new();
    writer.put((0..2000).map(|i| (key(i), records.next([4, 10 * (i % 100) + 4]))));
    writer.delete((0..2000).step_by(3).map(key));
    let whole = std::fs::metadata(folder.path().join("train/data.mdb")).unwrap();
    let copy = folder.path().join("copy");
    std::fs::create_dir_all(copy.join("train")).unwrap();
    let file = copy.join("train/data.mdb");
    writer.compact(&file);
    assert!(std::fs::metadata(file).unwrap().len() < whole.len());
    write(&copy.join("val"), &[pixels([0; 3], Some(0))]);
    records.check(&copy, &writer);
}

#[test]
fn long_records_are_listed_with_the_labels_before_and_after_the_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let long = |label| pixels_of([80, 80], [1, 2, 3], label);
    // Unknown fields of 5000 bytes before and after the pixels.
    let unknown = [vec![0x4a, 0x88, 0x27], vec![9; 5000]].concat();
    let records = [
        long(Some(5)),
        [vec![40, 6], long(None)].concat(),
        [unknown.clone(), long(Some(7))].concat(),
        [long(Some(8)), unknown.clone()].concat(),
        [unknown, datum([1, 4, 4], &[1; 16], Some(9), false)].concat(),
        long(None),
    ];
    write(&folder.path().join("train"), &records);
    write(&folder.path().join("val"), &records);
    let data = lmdb_folder(folder.path(), &PhotoSettings::default()).unwrap();
    assert_eq!(data.train.labels(), Some(vec![5, 6, 7, 8, 9, 0]));
    assert_eq!(colors(&data.train)[3], [1, 2, 3]);
}
