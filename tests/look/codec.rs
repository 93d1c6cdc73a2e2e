//! JPEG beside learned codes: sizes, errors, limits.

use candlebook::prelude::*;

fn pictures() -> Tensor {
    photographs(32).unwrap().test.first(12).unwrap()
}

#[test]
fn bytes_are_those_of_the_pictures_alone() {
    // A grey picture of one block has next to no data, whatever its tables.
    let grey = (Tensor::ones((1, 3, 8, 8), DType::F32, &Device::Cpu).unwrap() * 0.5).unwrap();
    let written = jpeg(&grey, 75).unwrap();
    assert!(
        (2.0..12.0).contains(&written.bytes),
        "{} bytes",
        written.bytes
    );
    assert!(written.error < 1e-4);
    let (low, high) = (jpeg(pictures(), 10).unwrap(), jpeg(pictures(), 90).unwrap());
    assert!(low.bytes < high.bytes / 2.0 && low.error > 2.0 * high.error);
    assert_eq!(high.pictures.dims(), [12, 3, 32, 32]);
}

#[test]
fn the_best_quality_that_fits_is_found() {
    let within = jpeg_within(pictures(), 200.0).unwrap();
    assert!(within.bytes <= 200.0);
    assert!(jpeg(pictures(), within.quality + 1).unwrap().bytes > 200.0);
    let error = jpeg_within(pictures(), 3.0).unwrap_err().to_string();
    assert!(
        error.starts_with("bytes: expected at least the ") && error.contains("quality 1, got 3"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_written_is_an_error_in_words() {
    assert!(
        jpeg(pictures(), 0)
            .unwrap_err()
            .to_string()
            .starts_with("quality: expected 1 to 100, got 0")
    );
    let none = (Tensor::zeros((1, 3, 8, 8), DType::F32, &Device::Cpu).unwrap() / 0.0).unwrap();
    assert!(
        jpeg(&none, 75)
            .unwrap_err()
            .to_string()
            .starts_with("jpeg: expected pictures of numbers, got NaN")
    );
    assert!(
        jpeg_within(pictures(), f64::NAN)
            .unwrap_err()
            .to_string()
            .starts_with("bytes: expected at least")
    );
    let grey = Tensor::zeros((1, 1, 8, 8), DType::F32, &Device::Cpu).unwrap();
    assert!(
        jpeg(&grey, 75)
            .unwrap_err()
            .to_string()
            .starts_with("jpeg: expected pictures of (n, 3, h, w)")
    );
}

#[test]
fn more_bits_of_the_code_draw_what_the_code_draws() {
    let data = photographs(16).unwrap();
    let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(24)]).unwrap();
    ae.fit(
        &data.take(600, 50),
        &Fit {
            epochs: 2,
            batch_size: 20,
            ..Default::default()
        },
    )
    .unwrap();
    let images = data.test.first(50).unwrap();
    let error = |drawn: Tensor| {
        (drawn - &images)
            .unwrap()
            .sqr()
            .unwrap()
            .mean_all()
            .unwrap()
            .to_scalar::<f32>()
            .unwrap()
    };
    let exact = error(ae.reconstruct(&images).unwrap());
    let others = data.train.first(400).unwrap();
    let at = |bits| error(ae.reconstruct_quantized(&images, bits, &others).unwrap());
    assert!(
        (at(12) - exact).abs() < 0.02 * exact,
        "{} for {exact}",
        at(12)
    );
    assert!(
        at(1) > at(4) && at(4) > exact,
        "{} {} {exact}",
        at(1),
        at(4)
    );
    assert!(
        ae.reconstruct_quantized(&images, 0, &others)
            .unwrap_err()
            .to_string()
            .starts_with("bits: expected 1 to 16, got 0")
    );
}
