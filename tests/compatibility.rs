//! Files saved by earlier versions still load.
//!
//! `tests/fixtures/v0/README.md` has the program that made them.
#![allow(clippy::unwrap_used, unreachable_pub)]

#[path = "data/common.rs"]
mod common;

use candlebook::data::Crop;
use candlebook::model::Init;
use candlebook::prelude::*;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Processors round differently: autograd and planned steps differ by 6e-8. An Adam step count off by one changes
/// a loss by 1.6e-5.
const TOLERANCE: f64 = 3e-6;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/v0")
        .join(name)
}

fn expected(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(fixture(&format!("{name}.json"))).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect()
}

fn assert_close(context: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{context}");
    let close = found
        .iter()
        .zip(expected)
        .all(|(a, b)| (a - b).abs() <= TOLERANCE);
    assert!(close, "{context}: found {found:?}, expected {expected:?}");
}

/// Reconstructs four fixed images and compares the first values and the mean of all.
fn check_output(name: &str, ae: &Autoencoder) {
    let (c, h, w) = ae.image_shape();
    let values: Vec<f32> = (0..4 * c * h * w)
        .map(|i| ((i as f64 * 0.37).sin() * 0.5 + 0.5) as f32)
        .collect();
    let images = Tensor::from_vec(values, (4, c, h, w), &Device::Cpu).unwrap();
    let output: Vec<f32> = ae
        .reconstruct(&images)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap();
    let output: Vec<f64> = output.into_iter().map(f64::from).collect();
    let expected = expected(name);
    assert_close(name, &output[..8], &numbers(&expected["first"]));
    let mean = output.iter().sum::<f64>() / output.len() as f64;
    assert_close(name, &[mean], &[expected["mean"].as_f64().unwrap()]);
}

#[test]
fn weights_load_and_reconstruct_the_same() {
    for name in ["dense", "convolutional"] {
        let path = fixture(&format!("{name}.safetensors"));
        let mut ae = Autoencoder::load(&path).unwrap();
        check_output(name, &ae);
        let init = Init {
            seed: 1,
            ..Default::default()
        };
        ae = Autoencoder::new_with(ae.image_shape(), ae.encoder(), ae.decoder(), &init).unwrap();
        ae.load_weights(&path).unwrap();
        check_output(name, &ae);
    }
}

/// Resumes a copy of a checkpoint taken in epoch 2 of 3.
fn check_resumed(name: &str, data: &Dataset) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("moved.safetensors");
    std::fs::copy(fixture(&format!("{name}.safetensors")), &path).unwrap();
    let (ae, history) = Autoencoder::resume(&path, data).unwrap();
    let expected = expected(name);
    let train: Vec<f64> = history.train_loss().into_iter().map(f64::from).collect();
    let valid: Vec<f64> = history
        .epochs
        .iter()
        .map(|epoch| f64::from(epoch.valid_loss.unwrap()))
        .collect();
    assert_close(name, &train, &numbers(&expected["train_loss"]));
    assert_close(name, &valid, &numbers(&expected["valid_loss"]));
    check_output(name, &ae);
}

/// 80 training and 10 test images of 1 x 8 x 8.
fn images() -> Dataset {
    let split = |n: usize| {
        let bytes = (0..n * 64).map(|i| (i * i / 7 + 13 * i) as u8).collect();
        Split::from_bytes(bytes, (1, 8, 8), None).unwrap()
    };
    Dataset::new("images", "a formula", split(80), split(10)).unwrap()
}

#[test]
fn a_run_of_momentum_resumes_after_an_epoch() {
    check_resumed("momentum", &images());
}

/// The settings had a standard deviation of noise, which is a layer now.
#[test]
fn a_run_with_noise_opens_as_a_model_and_is_not_resumed() {
    for (name, noise) in [("adam", 0.05), ("autograd", 0.1)] {
        let path = fixture(&format!("{name}.safetensors"));
        Autoencoder::load(&path).unwrap();
        let error = Autoencoder::resume(&path, &images()).unwrap_err();
        let expected = format!(
            "expected a training run, got one of an earlier version, with Fit::noise. Begin a new \
             run, with GaussianNoise({noise}) first in the encoder; Autoencoder::load opens the model"
        );
        assert!(error.to_string().ends_with(&expected), "{error}");
    }
}

/// Red, green and blue of photograph k at (x, y).
fn pixel(k: usize, x: usize, y: usize) -> [u8; 3] {
    [20 * x + k, 20 * y + 2 * k, 10 * k].map(|value| value as u8)
}

/// A BMP file of 12 x 10 pixels of 24 bits, bottom row first. Its exact size is part of a packed file's name.
fn bmp(k: usize) -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    let header = [
        414u32,
        0,
        54,
        40,
        12,
        10,
        1 | 24 << 16,
        0,
        360,
        2835,
        2835,
        0,
        0,
    ];
    bytes.extend(header.iter().flat_map(|word| word.to_le_bytes()));
    for y in (0..10).rev() {
        bytes.extend((0..12).flat_map(|x| pixel(k, x, y).into_iter().rev()));
    }
    bytes
}

/// Writes photographs with fixed names, sizes and times, one of them damaged if asked for.
fn write_photographs(folder: &Path, n: usize, damaged: Option<usize>) {
    for k in 0..n {
        let path = folder.join(format!("{k:02}.bmp"));
        std::fs::write(
            &path,
            if damaged == Some(k) {
                b"damaged".to_vec()
            } else {
                bmp(k)
            },
        )
        .unwrap();
        set_modified(
            &path,
            UNIX_EPOCH + Duration::from_secs(1_700_000_000 + k as u64),
        );
    }
}

fn set_modified(path: &Path, time: SystemTime) {
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

/// Checks every pixel of a split and returns each image's photograph number. `left` and `top` are the margins cut off.
fn check_pixels(split: &Split, left: usize, top: usize) -> Vec<usize> {
    let (_, h, w) = split.image_shape();
    let images = (split.first(usize::MAX).unwrap() * 255.0)
        .unwrap()
        .flatten_from(1)
        .unwrap();
    let images: Vec<Vec<f32>> = images.to_vec2().unwrap();
    let check = |image: &Vec<f32>| {
        let k = (image[2 * h * w] / 10.0).round() as usize;
        for (i, value) in image.iter().enumerate() {
            let (channel, y, x) = (i / (h * w), i / w % h, i % w);
            assert_eq!(
                value.round() as u8,
                pixel(k, left + x, top + y)[channel],
                "photograph {k}, value {i}"
            );
        }
        k
    };
    images.iter().map(check).collect()
}

/// Opens the photographs with a packed file in the cache and returns the data set, which reads from that file alone.
fn open_packed(name: &str, cache: &Path, settings: &PhotoSettings) -> Dataset {
    let photographs = Path::new("photographs");
    std::fs::create_dir_all(photographs).unwrap();
    write_photographs(photographs, 6, Some(3));
    let frames = cache.join("frames");
    std::fs::create_dir_all(&frames).unwrap();
    let copy = frames.join(name);
    std::fs::copy(fixture(name), &copy).unwrap();
    let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    set_modified(&copy, time);
    let data = image_folder(photographs, settings).unwrap();
    assert_eq!(
        std::fs::read(&copy).unwrap(),
        std::fs::read(fixture(name)).unwrap()
    );
    assert_eq!(
        std::fs::metadata(&copy).unwrap().modified().unwrap(),
        time,
        "the file was written again"
    );
    assert_eq!(
        std::fs::read_dir(&frames).unwrap().count(),
        1,
        "another file was written"
    );
    std::fs::remove_dir_all(photographs).unwrap();
    std::fs::remove_dir_all(frames).unwrap();
    data
}

#[test]
fn packed_photographs_are_read_without_decoding() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let _guard = common::environment(&[("CANDLEBOOK_CACHE", cache.to_str().unwrap())]);
    // A packed file's name is a hash of the paths as given. No other test of this file uses a relative path.
    std::env::set_current_dir(&folder).unwrap();
    let center = PhotoSettings {
        size: 10,
        packed: true,
        test_split: 0.5,
        ..Default::default()
    };
    let random = PhotoSettings {
        size: 8,
        crop: Crop::Random(0.5),
        ..center
    };
    for (name, settings, left, top) in [
        ("092c54abb4a52f5069855e78d4ff4f14.frames", center, 1, 0),
        ("2d1ef53e6533f7694588d67ef3b54857.frames", random, 2, 1),
    ] {
        let data = open_packed(name, &cache, &settings);
        let mut all = [
            check_pixels(&data.train, left, top),
            check_pixels(&data.test, left, top),
        ]
        .concat();
        all.sort();
        all.dedup();
        assert_eq!(
            all,
            [0, 1, 2, 4, 5],
            "another photograph replaces the damaged one"
        );
    }
    // The temporary folder is deleted next.
    std::env::set_current_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
}
