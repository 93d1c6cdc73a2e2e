//! NumPy's files: layouts, types, archives, errors.

use crate::numpy::{
    C, F64, FORTRAN, LAST, NPZ, NPZC, counted, error, file, head, npy, read_npy, read_npz, values,
};
use candlebook::data::{ArraySettings, npy_images, npz_images};
use std::io::Write;

#[test]
fn a_share_of_the_images_is_held_out_with_their_labels() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..10).collect();
    let images = npy(folder.path(), "x.npy", &head("|u1", "(10, 1, 1)"), &bytes);
    let labels = npy(folder.path(), "y.npy", &head("|u1", "(10,)"), &bytes);
    let settings = ArraySettings {
        labels: Some(labels.to_str().unwrap().to_owned()),
        test_split: 0.3,
        ..Default::default()
    };
    let data = npy_images(&images, &settings).unwrap();
    assert_eq!(
        (data.name.as_str(), data.train.len(), data.test.len()),
        ("x.npy", 7, 3)
    );
    for split in [&data.train, &data.test] {
        let pixels = values(split)
            .into_iter()
            .map(|value| (value * 255.0).round() as u32);
        assert_eq!(split.labels().unwrap(), pixels.collect::<Vec<_>>());
    }
    let other = npy_images(
        &images,
        &ArraySettings {
            seed: 1,
            ..settings.clone()
        },
    )
    .unwrap();
    assert_ne!(other.test.labels(), data.test.labels());
    let all = npy_images(
        &images,
        &ArraySettings {
            test_split: 1.0,
            ..settings.clone()
        },
    );
    let text = all.unwrap_err().to_string();
    assert!(
        text.starts_with("ArraySettings::test_split: expected a share in (0, 1)"),
        "{text}"
    );
    let named = npy_images(
        &images,
        &ArraySettings {
            images: Some("x".into()),
            ..settings
        },
    );
    let text = named.unwrap_err().to_string();
    assert!(
        text.starts_with("ArraySettings::images: expected None, got x."),
        "{text}"
    );
}

#[test]
fn the_only_array_of_an_archive_needs_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "all.npz", NPZ);
    let labels = Some("y".to_owned());
    let data = npz_images(
        &path,
        &ArraySettings {
            labels,
            ..Default::default()
        },
    )
    .unwrap();
    assert_eq!((data.train.len(), data.test.len()), (1, 1));
    let text = npz_images(&path, &ArraySettings::default())
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("expected one array of images, got x, y. Set ArraySettings"),
        "{text}"
    );
}

#[test]
fn layouts_orders_and_types_give_the_same_images() {
    let folder = tempfile::tempdir().unwrap();
    for (text, of) in [(C, 255.0), (FORTRAN, 255.0), (LAST, 255.0), (F64, 32.0)] {
        let path = file(folder.path(), "x.npy", text);
        let split = read_npy(&path, None).unwrap();
        assert_eq!(
            (split.len(), split.image_shape(), split.labels()),
            (2, (3, 2, 2), None)
        );
        assert_eq!(values(&split), counted(of));
    }
}

#[test]
fn archives_hold_images_and_labels_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (text, of) in [(NPZ, 255.0), (NPZC, 32.0)] {
        let path = file(folder.path(), "all.npz", text);
        let split = read_npz(&path, "x", Some("y")).unwrap();
        assert_eq!(
            (values(&split), split.labels()),
            (counted(of), Some(vec![3, 0]))
        );
        assert_eq!(read_npz(&path, "x.npy", None).unwrap().labels(), None);
    }
    let path = folder.path().join("all.npz");
    assert_eq!(
        error(&path, read_npz(&path, "z", None)),
        "expected an array z, got x, y. Use one of its names"
    );
    let text = error(&path.join("y"), read_npz(&path, "y", None));
    assert!(
        text.starts_with(
            "expected shape (n, h, w), (n, c, h, w) or (n, h, w, c) with 1 or 3 channels, got [2]"
        ),
        "{text}"
    );
}

#[test]
fn channels_come_first_if_both_layouts_fit() {
    let folder = tempfile::tempdir().unwrap();
    for (shape, expected) in [
        ("(2, 3, 4)", (2, (1, 3, 4))),
        ("(1, 1, 8, 3)", (1, (1, 8, 3))),
        ("(1, 3, 8, 1)", (1, (3, 8, 1))),
        ("(1, 8, 3, 1)", (1, (1, 8, 3))),
        ("(2, 2, 2, 3)", (2, (3, 2, 2))),
        ("(3L, 2L, 4L)", (3, (1, 2, 4))),
    ] {
        let path = npy(folder.path(), "x.npy", &head("|u1", shape), &[7; 24]);
        let split = read_npy(&path, None).unwrap();
        assert_eq!((split.len(), split.image_shape()), expected, "{shape}");
    }
    let path = npy(
        folder.path(),
        "x.npy",
        &head("|u1", "(2, 2, 3, 2)"),
        &[7; 24],
    );
    assert!(error(&path, read_npy(&path, None)).contains("got [2, 2, 3, 2]"));
}

#[test]
fn errors_state_values_outside_their_range() {
    let folder = tempfile::tempdir().unwrap();
    let floats = |values: [f32; 4]| {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<_>>()
    };
    for (value, words) in [
        (1.5, "1.5"),
        (-0.25, "-0.25"),
        (f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
    ] {
        let path = npy(
            folder.path(),
            "x.npy",
            &head("<f4", "(1, 2, 2)"),
            &floats([0.0, 1.0, value, 0.0]),
        );
        assert_eq!(
            error(&path, read_npy(&path, None)),
            format!(
                "expected floats in [0, 1], got {words} at [0, 1, 0]. Scale it in Python, e.g. x / 255, or save it as uint8"
            )
        );
    }
    let path = npy(folder.path(), "x.npy", &head("<i2", "(1, 1, 2)"), &[0; 4]);
    assert!(
        error(&path, read_npy(&path, None))
            .starts_with("expected images of uint8, float32 or float64, got int16.")
    );
}

#[test]
fn labels_are_integers_from_0_one_per_image() {
    let folder = tempfile::tempdir().unwrap();
    let images = npy(folder.path(), "x.npy", &head("|u1", "(2, 1, 2)"), &[0; 4]);
    let read = |head: &str, body: &[u8]| {
        let path = npy(folder.path(), "y.npy", head, body);
        read_npy(&images, Some(path.to_str().unwrap()))
            .map(|split| split.labels().unwrap())
            .map_err(|e| e.to_string())
    };
    assert_eq!(read(&head("|i1", "(2,)"), &[0, 127]).unwrap(), [0, 127]);
    assert_eq!(
        read(&head(">u4", "(2,)"), &[0, 0, 1, 2, 255, 255, 255, 255]).unwrap(),
        [258, u32::MAX]
    );
    let text = read(&head("<i2", "(2,)"), &[0, 0, 254, 255]).unwrap_err();
    assert!(
        text.contains("expected labels from 0 to 4294967295, got -2 at [1]."),
        "{text}"
    );
    let text = read(&head("<u8", "(2,)"), &[255; 16]).unwrap_err();
    assert!(text.contains("got 18446744073709551615 at [0]"), "{text}");
    for (head, body, words) in [
        (
            head("<f4", "(2,)"),
            8,
            "expected integer labels, got float32",
        ),
        (
            head("|u1", "(2, 1)"),
            2,
            "expected labels of shape (n,), got [2, 1]",
        ),
        (
            head("|u1", "(3,)"),
            3,
            "labels: expected one label for each of 2 images, got 3",
        ),
        (
            head("|u1", "()"),
            1,
            "expected labels of shape (n,), got []",
        ),
    ] {
        let text = read(&head, &vec![0; body]).unwrap_err();
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn wrong_headers_allocate_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    for (shape, words) in [
        (
            "(60000, 28, 28)",
            "expected 47040000 bytes after the header, for shape [60000, 28, 28], got 4.",
        ),
        (
            "(99999999999, 28, 28)",
            "expected 78399999999216 bytes after the header, for shape [99999999999, 28, 28], got 4.",
        ),
        (
            "(18446744073709551615, 18446744073709551615, 3)",
            "expected far too many bytes after the header",
        ),
        (
            "(99999999999999999999999, 1, 1)",
            "expected the header of a plain array of numbers, got {'descr'",
        ),
        (
            "(-1, 1, 1)",
            "expected the header of a plain array of numbers",
        ),
        (
            "(1, 1, 3)",
            "expected 3 bytes after the header, for shape [1, 1, 3], got 4.",
        ),
    ] {
        let path = npy(folder.path(), "x.npy", &head("|u1", shape), &[0; 4]);
        let text = error(&path, read_npy(&path, None));
        assert!(text.starts_with(words), "{text}");
    }
    for shape in [
        "(0, 18446744073709551615, 18446744073709551615)",
        "(0, 28, 28)",
        "(2, 0, 3)",
        "(0, 3, 0, 0)",
    ] {
        for fortran in ["False", "True"] {
            let head = head("|u1", shape).replace("False", fortran);
            let path = npy(folder.path(), "x.npy", &head, &[]);
            let text = error(&path, read_npy(&path, None));
            assert!(
                text.starts_with("expected at least one image of at least one pixel, got shape ["),
                "{text}"
            );
        }
    }
    let path = folder.path().join("x.npy");
    std::fs::write(&path, b"\x93NUMPY\x02\x00\xff\xff\xff\xff{").unwrap();
    assert!(
        error(&path, read_npy(&path, None))
            .starts_with("expected the header of a plain array, got 4294967295 bytes")
    );
}

#[test]
fn headers_of_other_arrays_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    for head in [
        "{'descr': '|O', 'fortran_order': False, 'shape': (1, 2, 2), }",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 2, 2), }",
        "{'descr': '|u1', 'fortran_order': Perhaps, 'shape': (1, 2, 2), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2",
        "{'descr': '|u1', 'fortran_order': False, }",
        "{'descr': '\u{e9}\u{e9}', 'fortran_order': False, 'shape': (1, 2, 2), }",
        "{'descr': ''",
        "{",
        "",
        "\u{e9}",
    ] {
        let path = npy(folder.path(), "x.npy", head, &[0; 4]);
        let text = error(&path, read_npy(&path, None));
        assert!(
            text.starts_with("expected the header of a plain array of numbers, got "),
            "{text}"
        );
    }
}

#[test]
fn damaged_files_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("x.npy", F64), ("x.npz", NPZC)] {
        let path = file(folder.path(), name, text);
        let bytes = std::fs::read(&path).unwrap();
        let read = || match name {
            "x.npy" => read_npy(&path, None),
            _ => read_npz(&path, "x", Some("y")),
        };
        for at in (0..bytes.len()).step_by(3) {
            std::fs::write(&path, &bytes[..at]).unwrap();
            assert!(read().is_err(), "{name} truncated at {at}");
            let mut damaged = bytes.clone();
            damaged[at] = if at % 2 == 0 { 0xff } else { b'9' };
            std::fs::write(&path, damaged).unwrap();
            let _ = read();
        }
    }
    let missing = folder.path().join("none.npy");
    assert!(error(&missing, read_npy(&missing, None)).starts_with("cannot read: No such file"));
}

#[test]
fn zip_bombs_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.npz");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    archive.start_file("x.npy", options).unwrap();
    let head = head("|u1", "(1, 2, 2)");
    archive.write_all(b"\x93NUMPY\x01\x00").unwrap();
    archive
        .write_all(&(head.len() as u16).to_le_bytes())
        .unwrap();
    archive.write_all(head.as_bytes()).unwrap();
    for _ in 0..64 {
        archive.write_all(&[0; 1 << 20]).unwrap();
    }
    archive.finish().unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() < 1 << 17);
    let text = error(&path.join("x"), read_npz(&path, "x", None));
    assert!(
        text.starts_with("expected 4 bytes after the header, for shape [1, 2, 2], got 67108864."),
        "{text}"
    );
    // The entry claims four bytes too: the rest is not read.
    let mut bytes = std::fs::read(&path).unwrap();
    let (claimed, says) = (
        (10 + head.len() as u32 + (64 << 20)).to_le_bytes(),
        (14 + head.len() as u32).to_le_bytes(),
    );
    for at in 0..bytes.len() - 4 {
        if bytes[at..at + 4] == claimed {
            bytes[at..at + 4].copy_from_slice(&says);
        }
    }
    std::fs::write(&path, bytes).unwrap();
    let _ = read_npz(&path, "x", None);
}
