//! Shapes of images, and their conversion to one tensor.

use crate::common::{BLACK, WHITE, pixels, tensor};
use candlebook::prelude::*;

#[test]
fn shapes_other_than_images_are_rejected() {
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let error = |shape: &[usize]| Montage::new(zeros(shape)).unwrap_err().to_string();
    assert_eq!(
        error(&[2, 5, 4, 4]),
        "images: expected (h, w), (1 or 3, h, w) or (n, 1 or 3, h, w), got [2, 5, 4, 4]. Reshape the tensor, select \
         one channel with .narrow(1, 0, 1), or show every channel with Montage::filters"
    );
    assert!(error(&[1, 1, 1, 4, 4]).contains("got [1, 1, 1, 4, 4]"));
    assert!(error(&[3]).contains("got [3]"));
    assert!(error(&[0, 1, 4, 4]).contains("at least one pixel"));
    let none: [Tensor; 0] = [];
    assert_eq!(
        Montage::new(&none).unwrap_err().to_string(),
        "images: expected at least one, got none. Pass at least one image"
    );
}

#[test]
fn tensors_are_joined_and_gray_becomes_color() {
    let (gray, red) = (
        tensor(&[0.2], &[1, 1]),
        tensor(&[1.0, 0.0, 0.0], &[3, 1, 1]),
    );
    let montage = Montage::new([&gray, &red])
        .unwrap()
        .columns(2)
        .padding(0)
        .zoom(1);
    let (width, height, at) = pixels(montage);
    assert_eq!((width, height), (2, 1));
    assert_eq!([at(0, 0), at(1, 0)], [[51; 3], [255, 0, 0]]);
    let other = Montage::new(vec![gray, tensor(&[0.0, 0.0], &[1, 2])])
        .unwrap_err()
        .to_string();
    assert_eq!(
        other,
        "images: expected images of one size, 1 x 1, got 1 x 2. Show images of each size separately"
    );
}

#[test]
fn color_images_keep_their_color_and_u8_is_divided_by_255() {
    let one = tensor(&[1.0, 0.0, 0.2], &[3, 1, 1]);
    let (_, _, at) = pixels(Montage::new(&one).unwrap().padding(0).zoom(1));
    assert_eq!(at(0, 0), [255, 0, 51]);
    let bytes = Tensor::new(&[[0u8, 51, 255]], &Device::Cpu).unwrap();
    let (_, _, at) = pixels(Montage::new(&bytes).unwrap().padding(0).zoom(1));
    assert_eq!([at(0, 0), at(1, 0), at(2, 0)], [BLACK, [51; 3], WHITE]);
}
