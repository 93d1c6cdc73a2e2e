//! Grids of images: pixels of the decoded PNG, and error messages.

use crate::common::{BLACK, WHITE, pixels, tensor};
use candlebook::prelude::*;

#[test]
fn images_form_a_padded_grid_with_exact_zoom() {
    // Three images of 1 x 2 pixels, two in a row, zoomed 3 times.
    let images = tensor(&[0.0, 1.0, 0.2, 0.4, 1.0, 0.0], &[3, 1, 1, 2]);
    let montage = Montage::new(&images).unwrap().columns(2).padding(1).zoom(3);
    let (width, height, at) = pixels(montage.clone());
    assert_eq!((width, height), ((2 * 3 + 1) * 3, (2 * 2 + 1) * 3));
    for (x, y, expected) in [
        (0, 0, WHITE), // padding
        (3, 3, BLACK), // first image, left value: corners of the block
        (5, 5, BLACK),
        (6, 3, WHITE),     // right value
        (12, 5, [51; 3]),  // second image, 0.2
        (15, 3, [102; 3]), // 0.4
        (3, 9, WHITE),     // third image, second row
        (6, 9, BLACK),
        (15, 10, WHITE), // empty cell
    ] {
        assert_eq!(at(x, y), expected, "at {x}, {y}");
    }
}

#[test]
fn the_symmetric_scale_is_white_at_zero_and_colors_the_sign() {
    let weights = tensor(&[-2.0, 0.0, 2.0, 1.0], &[1, 4]);
    let (_, _, at) = pixels(
        Montage::new(&weights)
            .unwrap()
            .padding(0)
            .zoom(1)
            .scale(Scale::Symmetric),
    );
    assert_eq!(
        [at(0, 0), at(1, 0), at(2, 0)],
        [[33, 102, 172], WHITE, [178, 24, 43]]
    );
    let half = at(3, 0);
    assert!(
        half[0] > half[1] && half[1] < 255 && half[1] > 24,
        "{half:?}"
    );
}

#[test]
fn the_min_max_scale_stretches_each_image() {
    let images = tensor(&[2.0, 4.0, -1.0, 1.0], &[2, 1, 1, 2]);
    let (_, _, at) = pixels(
        Montage::new(&images)
            .unwrap()
            .columns(2)
            .padding(0)
            .zoom(1)
            .scale(Scale::MinMax),
    );
    assert_eq!(
        [at(0, 0), at(1, 0), at(2, 0), at(3, 0)],
        [BLACK, WHITE, BLACK, WHITE]
    );
}

#[test]
fn images_beyond_the_maximum_are_omitted_and_reported() {
    let montage = Montage::new(Tensor::zeros((5000, 1, 1, 1), DType::F32, &Device::Cpu).unwrap())
        .unwrap()
        .zoom(1);
    assert_eq!(montage.tensor().dims(), [4096, 1, 1, 1]);
    assert!(
        montage.contents().unwrap()[0]
            .get("text/plain")
            .unwrap()
            .ends_with("; 904 more not shown")
    );
}

#[test]
fn a_shared_range_makes_images_comparable() {
    let images = tensor(&[0.0, 1.0, 0.0, 2.0], &[2, 1, 1, 2]);
    let stretched = Montage::new(&images)
        .unwrap()
        .columns(2)
        .padding(0)
        .zoom(1)
        .scale(Scale::MinMax);
    let (_, _, at) = pixels(stretched.clone());
    assert_eq!([at(1, 0), at(3, 0)], [WHITE, WHITE]);
    let (_, _, at) = pixels(stretched.shared());
    assert_eq!([at(1, 0), at(3, 0)], [[128; 3], WHITE]);
}

#[test]
fn filters_are_color_images_or_one_row_per_output_channel() {
    // Two filters over three channels are two color images; over four channels, two rows of four.
    let colored =
        Montage::filters(&Tensor::ones((2, 3, 5, 5), DType::F32, &Device::Cpu).unwrap()).unwrap();
    assert_eq!(colored.tensor().dims(), [2, 3, 5, 5]);
    let weight: Vec<f32> = (0..8).map(|i| if i == 6 { -1.0 } else { 1.0 }).collect();
    let grid = Montage::filters(&tensor(&weight, &[2, 4, 1, 1]))
        .unwrap()
        .padding(0)
        .zoom(1)
        .title("");
    let (width, height, at) = pixels(grid);
    assert_eq!((width, height), (4, 2));
    assert_eq!([at(0, 0), at(2, 1)], [[178, 24, 43], [33, 102, 172]]);
    let error = Montage::filters(&tensor(&[1.0], &[1, 1]))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(
            "Montage::filters: expected (out_channels, in_channels, height, width), got [1, 1]"
        ),
        "{error}"
    );
}

#[test]
fn default_zoom_is_limited_and_oversized_montages_are_rejected() {
    let many =
        Montage::new(Tensor::zeros((900, 1, 64, 64), DType::F32, &Device::Cpu).unwrap()).unwrap();
    let (width, height) = many.size();
    assert!(width * height < 5_000_000, "{width} x {height}");
    let error = many.zoom(1000).to_png().unwrap_err().to_string();
    assert!(
        error.starts_with("image: expected sides of 1 to 32768 pixels, got 1951000 x 1951000"),
        "{error}"
    );
    let small = Montage::new(Tensor::zeros((2, 2), DType::F32, &Device::Cpu).unwrap()).unwrap();
    assert!(
        small.clone().zoom(usize::MAX).to_png().is_err()
            && small.padding(usize::MAX).zoom(usize::MAX).to_png().is_err()
    );
}
