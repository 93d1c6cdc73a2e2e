//! JPEG as a baseline: sizes, errors, limits.

use candlebook::look::{jpeg, jpeg_within};
use candlebook::prelude::*;

fn images() -> Tensor {
    photographs(32).unwrap().test.first(12).unwrap()
}

#[test]
fn headers_are_not_counted() {
    // A gray image of one block has almost no data beside the tables.
    let grey = (Tensor::ones((1, 3, 8, 8), DType::F32, &Device::Cpu).unwrap() * 0.5).unwrap();
    let compressed = jpeg(&grey, 75).unwrap();
    assert!(
        (2.0..12.0).contains(&compressed.bytes),
        "{} bytes",
        compressed.bytes
    );
    assert!(compressed.error < 1e-4);
    let (low, high) = (jpeg(images(), 10).unwrap(), jpeg(images(), 90).unwrap());
    assert!(low.bytes < high.bytes / 2.0 && low.error > 2.0 * high.error);
    assert_eq!(high.images.dims(), [12, 3, 32, 32]);
}

#[test]
fn jpeg_within_finds_the_best_quality_that_fits() {
    let within = jpeg_within(images(), 200.0).unwrap();
    assert!(within.bytes <= 200.0);
    assert!(jpeg(images(), within.quality + 1).unwrap().bytes > 200.0);
    let error = jpeg_within(images(), 3.0).unwrap_err().to_string();
    assert!(
        error.starts_with("bytes: expected at least ") && error.contains("quality 1, got 3"),
        "{error}"
    );
}

#[test]
fn images_and_settings_that_jpeg_cannot_store_are_rejected() {
    assert!(
        jpeg(images(), 0)
            .unwrap_err()
            .to_string()
            .starts_with("quality: expected 1 to 100, got 0")
    );
    let nan = (Tensor::zeros((1, 3, 8, 8), DType::F32, &Device::Cpu).unwrap() / 0.0).unwrap();
    assert!(
        jpeg(&nan, 75)
            .unwrap_err()
            .to_string()
            .starts_with("jpeg: expected images of finite values, got NaN")
    );
    assert!(
        jpeg_within(images(), f64::NAN)
            .unwrap_err()
            .to_string()
            .starts_with("bytes: expected at least")
    );
    let grey = Tensor::zeros((1, 1, 8, 8), DType::F32, &Device::Cpu).unwrap();
    assert!(
        jpeg(&grey, 75)
            .unwrap_err()
            .to_string()
            .starts_with("jpeg: expected images of (n, 3, h, w)")
    );
}
