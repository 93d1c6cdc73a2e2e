//! LMDB databases of Caffe's records: layouts, pixels, labels, damage.

use crate::caffe::{datum, pixels, write};
use crate::support::{colors, error, table};
use candlebook::data::lmdb_folder;
use candlebook::prelude::*;
use image::{ImageFormat, Rgb, RgbImage};

fn settings() -> PhotoSettings {
    PhotoSettings {
        size: 4,
        ..Default::default()
    }
}

#[test]
fn splits_labels_and_bgr_pixels_are_read() {
    for (train, test) in [
        ("train", "val"),
        ("ilsvrc12_train_lmdb", "ilsvrc12_val_lmdb"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(
            &root.join(train),
            &[
                pixels([200, 100, 50], Some(7)),
                pixels([1, 2, 3], Some(999)),
            ],
        );
        let mut png = std::io::Cursor::new(Vec::new());
        RgbImage::from_pixel(9, 5, Rgb([10, 20, 30]))
            .write_to(&mut png, ImageFormat::Png)
            .unwrap();
        let grey = datum([1, 5, 4], &[77; 20], Some(0), false);
        write(
            &root.join(test),
            &[datum([0, 0, 0], png.get_ref(), Some(3), true), grey],
        );
        let data = lmdb_folder(root, &settings()).unwrap();
        assert_eq!(
            (data.train.len(), data.test.len(), data.image_shape()),
            (2, 2, (3, 4, 4))
        );
        assert_eq!(
            (data.train.labels(), data.test.labels()),
            (Some(vec![7, 999]), Some(vec![3, 0]))
        );
        assert_eq!(colors(&data.train), [[200, 100, 50], [1, 2, 3]]);
        assert_eq!(colors(&data.test), [[10, 20, 30], [77; 3]]);
        let entries = std::fs::read_dir(root.join(train)).unwrap().count();
        assert_eq!(entries, 1, "no lock file is written");
    }
}

#[test]
fn rows_and_columns_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let plane = |start: u8| (start..start + 16).collect::<Vec<_>>();
    write(
        folder.path(),
        &[
            datum(
                [3, 4, 4],
                &[plane(0), plane(50), plane(100)].concat(),
                None,
                false,
            ),
            pixels([0; 3], None),
        ],
    );
    let data = lmdb_folder(
        folder.path(),
        &PhotoSettings {
            test_split: 0.5,
            ..settings()
        },
    )
    .unwrap();
    assert_eq!((data.train.labels(), data.test.labels()), (None, None));
    let values = |split: &Split| {
        let values = split
            .first(1)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        values
            .iter()
            .map(|v| (v * 255.0).round() as u8)
            .collect::<Vec<_>>()
    };
    let expected = [plane(100), plane(50), plane(0)].concat();
    assert!([values(&data.train), values(&data.test)].contains(&expected));
}

#[test]
fn test_images_are_chosen_by_the_seed_and_a_database_can_be_opened_twice() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &(0..20)
            .map(|i| pixels([i, 0, 0], Some(i64::from(i))))
            .collect::<Vec<_>>(),
    );
    let read = |seed| {
        lmdb_folder(
            folder.path(),
            &PhotoSettings {
                seed,
                test_split: 0.25,
                ..settings()
            },
        )
        .unwrap()
    };
    let (data, again, other) = (read(0), read(0), read(1));
    assert_eq!((data.train.len(), data.test.len()), (15, 5));
    for split in [&data.train, &data.test] {
        let reds: Vec<u32> = colors(split)
            .iter()
            .map(|color| u32::from(color[0]))
            .collect();
        assert_eq!(split.labels().unwrap(), reds);
    }
    assert_eq!(data.test.labels(), again.test.labels());
    assert_ne!(data.test.labels(), other.test.labels());
    let file = lmdb_folder(folder.path().join("data.mdb"), &settings()).unwrap();
    assert_eq!(file.train.len() + file.test.len(), 20);
}

#[test]
fn training_and_packed_files_read_records() {
    let folder = tempfile::tempdir().unwrap();
    write(
        &folder.path().join("db"),
        &(0..12)
            .map(|i| pixels([20 * i, 9, 9], Some(1)))
            .collect::<Vec<_>>(),
    );
    let cache = folder.path().join("cache");
    let _guard = crate::common::environment(&[("CANDLEBOOK_CACHE", cache.to_str().unwrap())]);
    let read = |packed| {
        lmdb_folder(
            folder.path().join("db"),
            &PhotoSettings {
                packed,
                ..settings()
            },
        )
        .unwrap()
    };
    let data = read(false);
    assert_eq!(colors(&read(true).train), colors(&data.train));
    let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)]).unwrap();
    let history = ae
        .fit(
            &data,
            &Fit {
                epochs: 2,
                batch_size: 4,
                ..Default::default()
            },
        )
        .unwrap();
    assert_eq!(history.train_loss().len(), 2);
}

#[test]
fn damaged_records_count_as_unreadable() {
    let folder = tempfile::tempdir().unwrap();
    let whole = pixels([100; 3], Some(1));
    let records = [
        whole.clone(),
        whole[..40].to_vec(),
        datum([3, 4, 7], &[0; 72], Some(1), false),
        datum([2, 4, 6], &[0; 48], Some(1), false),
        datum([0, 0, 0], b"no image", Some(1), true),
        whole.clone(),
        Vec::new(),
        whole,
    ];
    write(folder.path(), &records);
    let data = lmdb_folder(
        folder.path(),
        &PhotoSettings {
            test_split: 0.4,
            ..settings()
        },
    )
    .unwrap();
    let all = [colors(&data.train), colors(&data.test)].concat();
    assert_eq!(all, [[100; 3]; 8], "others replace them");
    let table = table(&data);
    assert!(table.contains("5 unreadable"), "{table}");
    let few = lmdb_folder(
        folder.path(),
        &PhotoSettings {
            max_unreadable: 2,
            ..settings()
        },
    )
    .unwrap();
    let text = few
        .train
        .first(8)
        .and(few.test.first(8))
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("expected at most 2 unreadable photographs, got 3") && text.contains("_n01/"),
        "{text}"
    );
}

#[test]
fn other_files_and_records_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let read = || error(lmdb_folder(root, &settings()));
    assert_eq!(
        read(),
        format!(
            "{}: expected a file data.mdb, or folders train and val with one each, got none. Choose the folder of the \
             database or of both databases",
            root.display()
        )
    );
    assert!(
        error(lmdb_folder(root.join("nowhere"), &settings())).contains("nowhere: cannot read: ")
    );
    let file = root.join("data.mdb");
    for bytes in [
        vec![],
        vec![0; 100],
        vec![0; 1 << 14],
        b"SQLite format 3".repeat(999),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let words = "expected an LMDB database of Caffe's records, got another file format. Check that the copy is complete";
        assert!(read().ends_with(words), "{}", read());
    }
    std::fs::remove_file(&file).unwrap();
    write(root, &[]);
    assert!(read().contains("got an empty one"), "{}", read());
    std::fs::remove_file(&file).unwrap();
    write(root, &[b"a text".to_vec(), vec![0xff; 9]]);
    assert!(
        read().contains("got records of another kind ("),
        "{}",
        read()
    );
    std::fs::remove_file(&file).unwrap();
    write(root, &[pixels([1; 3], Some(1)), pixels([1; 3], Some(-1))]);
    assert!(
        read().contains(
            "expected labels from 0 to 4294967295, got -1 in record 00000001_n01/1.JPEG."
        ),
        "{}",
        read()
    );
    let text = error(lmdb_folder(
        root,
        &PhotoSettings {
            size: 0,
            ..settings()
        },
    ));
    assert!(
        text.starts_with("PhotoSettings::size: expected 1 to 4096 pixels, got 0"),
        "{text}"
    );
    for name in ["a_train_lmdb", "b_train_lmdb"] {
        write(&root.join("two").join(name), &[pixels([1; 3], None)]);
    }
    assert!(
        error(lmdb_folder(root.join("two"), &settings()))
            .contains("expected one database for train, got 2 of them: ")
    );
}

#[test]
fn a_truncated_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &(0..40).map(|i| pixels([i; 3], Some(1))).collect::<Vec<_>>(),
    );
    let file = folder.path().join("data.mdb");
    let bytes = std::fs::read(&file).unwrap();
    for at in (0..bytes.len()).step_by(997).chain([bytes.len() - 1]) {
        std::fs::write(&file, &bytes[..at]).unwrap();
        let text = error(lmdb_folder(folder.path(), &settings()));
        assert!(
            text.contains("Check that the copy is complete"),
            "{at}: {text}"
        );
    }
}
