//! Pixels and texts of charts and montages, for the tests of `show`.

use base64::Engine;
use candlebook::prelude::*;
use image::RgbImage;

pub const BLUE: [u8; 3] = [0, 114, 178];
pub const ORANGE: [u8; 3] = [213, 94, 0];
pub const GREEN: [u8; 3] = [0, 158, 115];

pub fn image(plot: &Plot) -> RgbImage {
    image::load_from_memory(&plot.to_png().unwrap())
        .unwrap()
        .into_rgb8()
}

pub fn count(plot: &Plot, color: [u8; 3]) -> usize {
    image(plot)
        .pixels()
        .filter(|pixel| pixel.0 == color)
        .count()
}

/// The edges of the pixels of a color: left, top, right, bottom.
pub fn extent(plot: &Plot, color: [u8; 3]) -> (u32, u32, u32, u32) {
    let image = image(plot);
    let found = image
        .enumerate_pixels()
        .filter(|(_, _, pixel)| pixel.0 == color);
    found.fold((u32::MAX, u32::MAX, 0, 0), |(l, t, r, b), (x, y, _)| {
        (l.min(x), t.min(y), r.max(x), b.max(y))
    })
}

pub fn text(plot: &Plot) -> String {
    plot.contents().unwrap()[0]
        .get("text/plain")
        .unwrap()
        .to_owned()
}

pub fn error(plot: Plot) -> String {
    plot.to_png().unwrap_err().to_string()
}

pub const WHITE: [u8; 3] = [255; 3];
pub const BLACK: [u8; 3] = [0; 3];

pub fn tensor(values: &[f32], shape: &[usize]) -> Tensor {
    Tensor::new(values, &Device::Cpu)
        .unwrap()
        .reshape(shape)
        .unwrap()
}

pub fn pixels(montage: Montage) -> (u32, u32, impl Fn(u32, u32) -> [u8; 3]) {
    let png = image::load_from_memory(&montage.to_png().unwrap())
        .unwrap()
        .into_rgb8();
    let (width, height) = png.dimensions();
    assert_eq!((width as usize, height as usize), montage.size());
    (width, height, move |x, y| png.get_pixel(x, y).0)
}

pub fn decode_base64(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}
