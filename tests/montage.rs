//! Pictures, by decoding the PNG and looking at its pixels.

use candlebook::prelude::*;
use image::GenericImageView;

const WHITE: [u8; 3] = [255; 3];
const BLACK: [u8; 3] = [0; 3];

fn tensor(values: &[f32], shape: &[usize]) -> Tensor {
    Tensor::new(values, &Device::Cpu).unwrap().reshape(shape).unwrap()
}

fn pixels(montage: Montage) -> (u32, u32, impl Fn(u32, u32) -> [u8; 3]) {
    let picture = image::load_from_memory(&montage.to_png().unwrap()).unwrap();
    let (width, height) = picture.dimensions();
    assert_eq!((width as usize, height as usize), montage.size());
    (width, height, move |x, y| {
        let pixel = picture.get_pixel(x, y).0;
        [pixel[0], pixel[1], pixel[2]]
    })
}

#[test]
fn pictures_stand_in_a_grid_with_padding_and_exact_enlargement() {
    // Three pictures of 1 x 2 pixels, two in a row, each value 3 x 3 pixels large.
    let images = tensor(&[0.0, 1.0, 0.2, 0.4, 1.0, 0.0], &[3, 1, 1, 2]);
    let montage = Montage::new(&images).unwrap().columns(2).padding(1).zoom(3);
    let (width, height, at) = pixels(montage.clone());
    assert_eq!((width, height), ((2 * 3 + 1) * 3, (2 * 2 + 1) * 3));
    for (x, y, expected) in [
        (0, 0, WHITE), // padding
        (3, 3, BLACK), // first picture, left value: corners of the block
        (5, 5, BLACK),
        (6, 3, WHITE),     // right value
        (12, 5, [51; 3]),  // second picture, 0.2
        (15, 3, [102; 3]), // 0.4
        (3, 9, WHITE),     // third picture, second row
        (6, 9, BLACK),
        (15, 10, WHITE), // empty place
    ] {
        assert_eq!(at(x, y), expected, "at {x}, {y}");
    }
}

#[test]
fn colours_are_kept_and_bytes_are_read_as_bytes() {
    let one = tensor(&[1.0, 0.0, 0.2], &[3, 1, 1]);
    let (_, _, at) = pixels(Montage::new(&one).unwrap().padding(0).zoom(1));
    assert_eq!(at(0, 0), [255, 0, 51]);
    let bytes = Tensor::new(&[[0u8, 51, 255]], &Device::Cpu).unwrap();
    let (_, _, at) = pixels(Montage::new(&bytes).unwrap().padding(0).zoom(1));
    assert_eq!([at(0, 0), at(1, 0), at(2, 0)], [BLACK, [51; 3], WHITE]);
}

#[test]
fn the_symmetric_scale_has_zero_white_and_signs_in_colour() {
    let weights = tensor(&[-2.0, 0.0, 2.0, 1.0], &[1, 4]);
    let (_, _, at) = pixels(Montage::new(&weights).unwrap().padding(0).zoom(1).scale(Scale::Symmetric));
    assert_eq!([at(0, 0), at(1, 0), at(2, 0)], [[33, 102, 172], WHITE, [178, 24, 43]]);
    let half = at(3, 0);
    assert!(half[0] > half[1] && half[1] < 255 && half[1] > 24, "{half:?}");
}

#[test]
fn each_picture_is_stretched_by_itself_on_the_min_max_scale() {
    let images = tensor(&[2.0, 4.0, -1.0, 1.0], &[2, 1, 1, 2]);
    let (_, _, at) = pixels(Montage::new(&images).unwrap().columns(2).padding(0).zoom(1).scale(Scale::MinMax));
    assert_eq!([at(0, 0), at(1, 0), at(2, 0), at(3, 0)], [BLACK, WHITE, BLACK, WHITE]);
}

#[test]
fn odd_values_are_magenta_and_said() {
    let images = tensor(&[f32::NAN, f32::INFINITY, -3.0, 7.0], &[1, 4]);
    let montage = Montage::new(&images).unwrap().padding(0).zoom(1);
    let (_, _, at) = pixels(montage.clone());
    assert_eq!([at(0, 0), at(1, 0), at(2, 0), at(3, 0)], [[255, 0, 255], [255, 0, 255], BLACK, WHITE]);
    let text = montage.contents().unwrap()[0].get("text/plain").unwrap().to_owned();
    assert_eq!(
        text,
        "pictures: 1 of shape (1, 1, 4), values -3.000 to 7.000; 2 values are NaN or infinite, shown in magenta"
    );
}

#[test]
fn shapes_that_are_no_pictures_are_errors_in_words() {
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let error = |shape: &[usize]| Montage::new(&zeros(shape)).unwrap_err().to_string();
    assert_eq!(
        error(&[2, 5, 4, 4]),
        "pictures: expected (h, w), (1 or 3, h, w) or (n, 1 or 3, h, w), got [2, 5, 4, 4]. Reshape the tensor, or choose \
         channels with .narrow(1, 0, 1)"
    );
    assert!(error(&[1, 1, 1, 4, 4]).contains("got [1, 1, 1, 4, 4]"));
    assert!(error(&[3]).contains("got [3]"));
    assert!(error(&[0, 1, 4, 4]).contains("at least one pixel"));
}

#[test]
fn thousands_of_pictures_are_cut_off_and_said() {
    let montage = Montage::new(&Tensor::zeros((5000, 1, 1, 1), DType::F32, &Device::Cpu).unwrap()).unwrap().zoom(1);
    assert_eq!(montage.tensor().dims(), [4096, 1, 1, 1]);
    assert!(montage.contents().unwrap()[0].get("text/plain").unwrap().ends_with("; 904 more not shown"));
}
