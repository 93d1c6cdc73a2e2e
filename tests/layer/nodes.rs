//! Shape inference, as errors of the model.

use crate::common::build_error;
use candlebook::prelude::*;

#[test]
fn pooling_must_divide_height_and_width() {
    assert_eq!(
        build_error(&[MaxPool2d(2)], (1, 7, 8)),
        "encoder layer 0, MaxPool2d(2): expected a height and width divisible by 2, got 7 x 8. \
         MaxPool2d(2).ceil_mode() also pools the partial windows at the edges; 8 x 8 would fit \
         without: resize the images, or pad a convolution before it"
    );
}

#[test]
fn residual_blocks_must_keep_the_shape() {
    let error = build_error(&[Residual(vec![Conv2d(4, 3)])], (4, 8, 8));
    assert!(
        error.contains("expected a block with output shape 4 x 8 x 8, got 4 x 6 x 6."),
        "{error}"
    );
    assert!(build_error(&[Residual(vec![])], (4, 8, 8)).contains("at least one layer"));
}

#[test]
fn huge_shapes_are_errors_before_anything_is_allocated() {
    let error = build_error(&vec![MaxUnpool2d(255); 9], (1, 8, 8));
    assert!(
        error.contains("expected at most 1073741824 values per image"),
        "{error}"
    );
    let overflow = [Flatten, Linear(4), Unflatten(1 << 40, 1 << 40, 1)];
    assert!(Autoencoder::new((1, 8, 8), &overflow, &[]).is_err());
    assert!(Autoencoder::new((usize::MAX, 2, 2), &[Flatten], &[]).is_err());
}

#[test]
fn images_without_pixels_are_errors() {
    let error = Autoencoder::new((1, 0, 8), &[Relu], &[])
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("Autoencoder: expected"), "{error}");
    assert!(error.contains("got (1, 0, 8)"), "{error}");
    let empty = Tensor::zeros((3, 1, 0, 8), DType::F32, &Device::Cpu).unwrap();
    assert!(Split::from_tensor(&empty, None).is_err());
    assert!(Split::from_bytes(vec![0; 8], (1 << 40, 1 << 40, 1), None).is_err());
}
