//! Folders of images: layouts, formats, crops, unreadable files.

use crate::support::{colors, error, table};
use base64::Engine;
use candlebook::data::Crop;
use candlebook::prelude::*;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use std::path::Path;

/// Writes a photograph of one color.
fn photograph(path: &Path, color: [u8; 3]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(40, 30, Rgb(color)).save(path).unwrap();
}

fn settings() -> PhotoSettings {
    PhotoSettings {
        size: 8,
        ..Default::default()
    }
}

#[test]
fn imagenet_layout_has_splits_and_labels() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (split, class, name, color) in [
        ("train", "n02", "b.JPEG", [200, 100, 50]),
        ("train", "n02", "a.png", [10, 20, 30]),
        ("train", "n01", "c.bmp", [0, 255, 0]),
        ("val", "n02", "d.gif", [0, 0, 255]),
        ("val", "n09", "e.webp", [255, 0, 0]),
    ] {
        photograph(&root.join(split).join(class).join(name), color);
    }
    std::fs::write(root.join("train/n01/notes.txt"), "no image").unwrap();
    let data = image_folder(root, &settings()).unwrap();
    assert_eq!(
        (data.train.len(), data.test.len(), data.image_shape()),
        (3, 2, (3, 8, 8))
    );
    assert_eq!(data.train.classes().unwrap(), ["n01", "n02", "n09"]);
    assert_eq!(
        (data.train.labels(), data.test.labels()),
        (Some(vec![0, 1, 1]), Some(vec![1, 2]))
    );
    let train = colors(&data.train);
    assert_eq!(train[..2], [[0, 255, 0], [10, 20, 30]]);
    assert!(
        train[2]
            .iter()
            .zip([200, 100, 50])
            .all(|(a, b)| a.abs_diff(b) < 4),
        "JPEG is not exact: {train:?}"
    );
    assert_eq!(colors(&data.test), [[0, 0, 255], [255, 0, 0]]);
    let table = table(&data);
    assert!(
        table.contains("3 x 8 x 8") && table.contains("2 classes"),
        "{table}"
    );
}

#[test]
fn images_without_classes_are_split_by_the_seed() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..20u8 {
        let deep = if i % 2 == 0 { "" } else { "2023/summer" };
        photograph(
            &folder.path().join(deep).join(format!("{i}.png")),
            [i, 0, 0],
        );
    }
    let read = |seed| {
        image_folder(
            folder.path(),
            &PhotoSettings {
                seed,
                test_split: 0.25,
                ..settings()
            },
        )
        .unwrap()
    };
    let data = read(0);
    assert_eq!(
        (data.train.len(), data.test.len(), data.train.labels()),
        (15, 5, None)
    );
    let mut all = [colors(&data.train), colors(&data.test)].concat();
    all.sort();
    assert_eq!(
        all,
        (0..20).map(|i| [i, 0, 0]).collect::<Vec<_>>(),
        "each image is in one split"
    );
    assert_eq!(colors(&read(0).test), colors(&data.test));
    assert_ne!(colors(&read(1).test), colors(&data.test));
}

#[test]
fn every_color_format_becomes_rgb() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    image::GrayImage::from_pixel(9, 9, image::Luma([77]))
        .save(file("a-grey.png"))
        .unwrap();
    RgbaImage::from_pixel(9, 9, Rgba([0, 0, 0, 0]))
        .save(file("b-glass.png"))
        .unwrap();
    DynamicImage::ImageRgb16(image::ImageBuffer::from_pixel(9, 9, Rgb([65535u16, 0, 0])))
        .save(file("c-deep.png"))
        .unwrap();
    // from PIL import Image; Image.new('CMYK', (8, 8), (0, 255, 255, 0)).save('red.jpg', quality=50, optimize=True)
    let cmyk = "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAQCwwODAoQDg0OEhEQExgoGhgWFhgxIyUdKDozPTw5Mzg3QEhcTkBEV0U3OFBtUVdfYmdoZz5N\
                cXlwZHhcZWdj/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EABQAAQAAAAAAAAAAAAAAAAAAAAf/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oADgRD\
                AE0AWQBLAAA/AEAfj8gP/9k=";
    std::fs::write(
        file("d-cmyk.jpg"),
        base64::engine::general_purpose::STANDARD
            .decode(cmyk)
            .unwrap(),
    )
    .unwrap();
    let data = image_folder(folder.path(), &settings()).unwrap();
    let mut all = [colors(&data.train), colors(&data.test)].concat();
    all.sort();
    assert_eq!(all[0], [77; 3]);
    assert_eq!(all[3], [255; 3], "transparency is blended with white");
    for red in &all[1..3] {
        assert!(red[0] > 230 && red[1] < 25 && red[2] < 25, "{all:?}");
    }
}

#[test]
fn training_is_augmented_and_reproducible_evaluation_is_not_augmented() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..12u32 {
        let ramp = RgbImage::from_fn(60, 40, |x, y| {
            Rgb([(4 * x) as u8, (6 * y) as u8, (20 * i) as u8])
        });
        ramp.save(folder.path().join(format!("{i}.png"))).unwrap();
    }
    let settings = PhotoSettings {
        crop: Crop::Random(0.3),
        flip: true,
        test_split: 0.2,
        ..settings()
    };
    let data = image_folder(folder.path(), &settings).unwrap();
    let before = colors(&data.train);
    let train = |seed| {
        let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)]).unwrap();
        ae.fit(
            &data,
            &Fit {
                epochs: 3,
                batch_size: 4,
                validation_split: 0.0,
                seed,
                ..Default::default()
            },
        )
        .unwrap()
        .train_loss()
    };
    assert_eq!(train(1), train(1), "crops do not depend on threads");
    assert_ne!(train(1), train(2));
    assert_eq!(colors(&data.train), before);
}

#[test]
fn a_packed_file_gives_the_same_images_and_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let photographs = folder.path().join("photographs");
    for i in 0..9u8 {
        photograph(&photographs.join(format!("{i}.png")), [i, 100, 200]);
    }
    std::fs::write(photographs.join("torn.png"), b"no").unwrap();
    let cache = folder.path().join("cache");
    let _guard = crate::common::environment(&[("CANDLEBOOK_CACHE", cache.to_str().unwrap())]);
    let packed = PhotoSettings {
        packed: true,
        crop: Crop::Random(0.5),
        ..settings()
    };
    let read = |settings| image_folder(&photographs, &settings).unwrap();
    let expected = colors(
        &read(PhotoSettings {
            packed: false,
            ..packed
        })
        .train,
    );
    let files = || {
        let entries = std::fs::read_dir(folder.path().join("cache/frames")).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .collect::<Vec<_>>()
    };
    for _ in 0..2 {
        assert_eq!(colors(&read(packed).train), expected);
        assert_eq!(files().len(), 1);
    }
    // Truncated.
    let bytes = std::fs::read(&files()[0]).unwrap();
    std::fs::write(&files()[0], &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(colors(&read(packed).train), expected);
    assert_eq!(std::fs::read(&files()[0]).unwrap(), bytes);
    photograph(&photographs.join("10.png"), [255; 3]);
    assert_eq!(read(packed).train.len() + read(packed).test.len(), 11);
    assert_eq!(files().len(), 2, "another file for other photographs");
}

#[test]
fn folders_without_images_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let read = || error(image_folder(root, &settings()));
    let expected = "expected images (.jpg, .jpeg, .png, .webp, .bmp, .gif), got";
    assert_eq!(
        read(),
        format!(
            "{}: {expected} an empty folder. Choose the folder that holds the images or the folders of their \
             classes",
            root.display()
        )
    );
    std::fs::write(root.join("a.txt"), "a").unwrap();
    std::fs::write(root.join(".hidden.jpg"), "a").unwrap();
    assert!(read().contains(&format!("{expected} 2 other files")));
    photograph(&root.join("one.png"), [1; 3]);
    assert!(read().contains("expected at least two images, got 1"));
    assert!(
        error(image_folder(root.join("nowhere"), &settings())).contains("nowhere: cannot read: ")
    );
    for (settings, words) in [
        (
            PhotoSettings {
                size: 0,
                ..settings()
            },
            "PhotoSettings::size: expected 1 to 4096 pixels, got 0",
        ),
        (
            PhotoSettings {
                test_split: 1.0,
                ..settings()
            },
            "PhotoSettings::test_split: expected a share in (0, 1), got 1",
        ),
        (
            PhotoSettings {
                crop: Crop::Random(0.0),
                ..settings()
            },
            "Crop::Random: expected a share of the area in (0, 1], got 0",
        ),
    ] {
        let error = error(image_folder(root, &settings));
        assert!(error.starts_with(words), "{error}");
    }
}

#[test]
fn unreadable_files_are_replaced_up_to_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for i in 0..8u8 {
        photograph(&root.join(format!("{i}.png")), [100 + i; 3]);
    }
    std::fs::write(root.join("nothing.jpg"), b"").unwrap();
    std::fs::write(root.join("text.jpeg"), b"hello").unwrap();
    // A small file that claims 60,000 x 60,000 pixels.
    let mut bomb = std::io::Cursor::new(Vec::new());
    RgbImage::new(2, 2)
        .write_to(&mut bomb, ImageFormat::Bmp)
        .unwrap();
    let mut bomb = bomb.into_inner();
    bomb[18..22].copy_from_slice(&60_000u32.to_le_bytes());
    bomb[22..26].copy_from_slice(&60_000u32.to_le_bytes());
    std::fs::write(root.join("bomb.bmp"), bomb).unwrap();
    std::os::unix::fs::symlink("nowhere.jpg", root.join("dangling.jpg")).unwrap();
    let data = image_folder(
        root,
        &PhotoSettings {
            max_unreadable: 4,
            test_split: 0.5,
            ..settings()
        },
    )
    .unwrap();
    assert_eq!(data.train.len() + data.test.len(), 12);
    let all = [colors(&data.train), colors(&data.test)].concat();
    assert!(
        all.len() == 12 && all.iter().all(|color| color[0] >= 100),
        "others replace them: {all:?}"
    );
    let table = table(&data);
    assert!(table.contains("4 unreadable"), "{table}");
    let data = image_folder(
        root,
        &PhotoSettings {
            max_unreadable: 2,
            ..settings()
        },
    )
    .unwrap();
    let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)]).unwrap();
    let error = ae
        .fit(
            &data,
            &Fit {
                epochs: 1,
                batch_size: 4,
                validation_split: 0.0,
                ..Default::default()
            },
        )
        .unwrap_err()
        .to_string();
    let words = "expected at most 2 unreadable photographs, got 3 (";
    assert!(
        error.contains(words) && error.contains("PhotoSettings { max_unreadable, .. }"),
        "{error}"
    );
}

#[test]
fn cyclic_links_and_names_that_are_not_utf8_are_supported() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let odd = root.join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    photograph(&odd.join("a.png"), [1; 3]);
    photograph(&root.join("tea/b.png"), [2; 3]);
    std::os::unix::fs::symlink(root, root.join("tea/again")).unwrap();
    let data = image_folder(root, &settings()).unwrap();
    assert_eq!(data.train.len() + data.test.len(), 2);
    assert_eq!(data.train.classes().unwrap(), ["caf\u{fffd}", "tea"]);
}

#[test]
fn a_size_that_does_not_fit_the_model_is_an_error_of_its_layer() {
    let folder = tempfile::tempdir().unwrap();
    photograph(&folder.path().join("a.png"), [1; 3]);
    photograph(&folder.path().join("b.png"), [2; 3]);
    let data = image_folder(
        folder.path(),
        &PhotoSettings {
            size: 9,
            ..settings()
        },
    )
    .unwrap();
    let layers = [Conv2d(4, 3).padding(1), MaxPool2d(2)];
    let error = Autoencoder::symmetric(data.image_shape(), &layers)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(
            "encoder layer 1, MaxPool2d(2): expected a height and width divisible by 2, got 9 x 9"
        ),
        "{error}"
    );
}
