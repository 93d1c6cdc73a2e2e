//! Photographs of any size reduced to frames, and images cut from frames.
//!
//! A frame is as small as its crops allow. Packed files store frames, so that reading them and
//! decoding again give the same images.

use crate::data::photo::crop::{Crop, Rect};
use crate::error::{Error, Result};
use crate::math::Rng;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;

/// The short side of a frame for random crops is 8/7 of the image size, as 256 is to 224 for
/// ImageNet.
const FRAME_MARGIN: (usize, usize) = (8, 7);
/// The ends of photographs with a higher aspect ratio (or a lower one than its inverse) are cut off.
const MAX_ASPECT_RATIO: f64 = 4.0;
const MAX_IMAGE_SIDE: usize = 4096;

/// The conversion of photographs to images of one size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Framing {
    /// Height and width of the images, in pixels.
    pub(crate) size: usize,
    pub(crate) crop: Crop,
    /// Flips half of the training images horizontally.
    pub(crate) flip: bool,
}

/// A photograph reduced to the size that its crops need.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// (height, width, 3): red, green and blue of each pixel.
    pub(crate) bytes: Vec<u8>,
}

/// Borrowed pixels, (height, width, 3).
#[derive(Clone, Copy)]
struct RgbView<'a> {
    bytes: &'a [u8],
    width: usize,
    height: usize,
}

/// A square of pixels, and whether to flip it horizontally.
#[derive(Clone, Copy)]
struct Square {
    left: usize,
    top: usize,
    size: usize,
    flipped: bool,
}

impl Framing {
    /// Checks the ranges of the settings.
    ///
    /// # Errors
    /// If a setting is outside its range.
    pub(crate) fn check(&self) -> Result<()> {
        if !(1..=MAX_IMAGE_SIDE).contains(&self.size) {
            let expected = format!("1 to {MAX_IMAGE_SIDE} pixels");
            let hint = "64 trains quickly, 224 is common for ImageNet";
            return Err(Error::setting(
                "PhotoSettings::size",
                expected,
                self.size,
                hint,
            ));
        }
        match self.crop {
            Crop::Random(share) if !(share > 0.0 && share <= 1.0) => {
                let expected = "a share of the area in (0, 1]";
                Err(Error::setting(
                    "Crop::Random",
                    expected,
                    share,
                    "0.5 is a good start",
                ))
            }
            _ => Ok(()),
        }
    }

    /// The number of bytes of an image.
    pub(crate) fn bytes(&self) -> usize {
        3 * self.size * self.size
    }

    /// Short side of a frame for random crops.
    fn random_short_side(&self) -> usize {
        (self.size * FRAME_MARGIN.0).div_ceil(FRAME_MARGIN.1)
    }

    /// Maximum long side of a frame for random crops.
    pub(crate) fn max_frame_side(&self) -> usize {
        (self.random_short_side() as f64 * MAX_ASPECT_RATIO).ceil() as usize
    }

    /// Reduces a photograph to a frame.
    ///
    /// # Errors
    /// The reason why it cannot be resized.
    pub(crate) fn frame(&self, photograph: &RgbImage) -> std::result::Result<Frame, String> {
        let (width, height) = (
            f64::from(photograph.width()),
            f64::from(photograph.height()),
        );
        let (rect, short_side) = match self.crop {
            Crop::Center => (Rect::centered(width, height, 1.0), self.size),
            Crop::Random(_) => {
                let ratio = (width / height).clamp(1.0 / MAX_ASPECT_RATIO, MAX_ASPECT_RATIO);
                (
                    Rect::centered(width, height, ratio),
                    self.random_short_side(),
                )
            }
        };
        let scale = short_side as f64 / rect.width.min(rect.height);
        let side = |length: f64| ((length * scale).round() as usize).max(1);
        let source = RgbView {
            bytes: photograph.as_raw(),
            width: photograph.width() as usize,
            height: photograph.height() as usize,
        };
        resized(source, rect, side(rect.width), side(rect.height))
    }

    /// Cuts an image from a frame, with a random crop and flip if there is an `rng`.
    ///
    /// # Shapes
    /// `image` is (3, size, size).
    ///
    /// # Errors
    /// The reason why it cannot be resized.
    pub(crate) fn cut(
        &self,
        frame: &Frame,
        rng: Option<&mut Rng>,
        image: &mut [u8],
    ) -> std::result::Result<(), String> {
        let (width, height, size) = (frame.width, frame.height, self.size);
        let (mut flipped, mut random) = (false, None);
        if let Some(rng) = rng {
            flipped = self.flip && rng.unit() < 0.5;
            if let Crop::Random(min_share) = self.crop {
                random = Some(Rect::random(width as f64, height as f64, min_share, rng));
            }
        }
        match random {
            Some(rect) => {
                let cut = resized(frame.view(), rect, size, size)?;
                planes(
                    cut.view(),
                    Square {
                        left: 0,
                        top: 0,
                        size,
                        flipped,
                    },
                    image,
                );
            }
            None => {
                let left = width.saturating_sub(size) / 2;
                let top = height.saturating_sub(size) / 2;
                planes(
                    frame.view(),
                    Square {
                        left,
                        top,
                        size,
                        flipped,
                    },
                    image,
                );
            }
        }
        Ok(())
    }
}

impl Frame {
    fn view(&self) -> RgbView<'_> {
        RgbView {
            bytes: &self.bytes,
            width: self.width,
            height: self.height,
        }
    }
}

/// Resizes a rectangle of the pixels, each weighted by its area (bilinear with antialiasing).
fn resized(
    source: RgbView<'_>,
    rect: Rect,
    width: usize,
    height: usize,
) -> std::result::Result<Frame, String> {
    thread_local! {
        static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
    }
    let (source_width, source_height) = (source.width as u32, source.height as u32);
    let source = ImageRef::new(source_width, source_height, source.bytes, PixelType::U8x3)
        .map_err(|error| error.to_string())?;
    let mut target = Image::new(width as u32, height as u32, PixelType::U8x3);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .crop(rect.left, rect.top, rect.width, rect.height);
    RESIZER
        .with_borrow_mut(|resizer| resizer.resize(&source, &mut target, &options))
        .map_err(|error| error.to_string())?;
    Ok(Frame {
        width,
        height,
        bytes: target.into_vec(),
    })
}

/// De-interleaves a square of pixels into its three channels.
///
/// # Shapes
/// (height, width, 3) -> (3, size, size)
fn planes(source: RgbView<'_>, square: Square, image: &mut [u8]) {
    let Square {
        left,
        top,
        size,
        flipped,
    } = square;
    let (red, rest) = image.split_at_mut(size * size);
    let (green, blue) = rest.split_at_mut(size * size);
    for y in 0..size {
        let row = &source.bytes[3 * ((top + y) * source.width + left)..][..3 * size];
        for (x, [r, g, b]) in row.as_chunks::<3>().0.iter().enumerate() {
            let at = y * size + if flipped { size - 1 - x } else { x };
            (red[at], green[at], blue[at]) = (*r, *g, *b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Purpose;

    /// Red grows to the right, green downwards.
    fn ramp(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let share = |at: u32, side: u32| (255 * at / (side - 1)) as u8;
            image::Rgb([share(x, width), share(y, height), 7])
        })
    }

    fn cut(framing: Framing, photograph: &RgbImage, rng: Option<&mut Rng>) -> Vec<u8> {
        let mut image = vec![0; framing.bytes()];
        let frame = framing.frame(photograph).unwrap();
        framing.cut(&frame, rng, &mut image).unwrap();
        image
    }

    #[test]
    fn a_center_crop_keeps_the_middle_of_a_wide_photograph() {
        let framing = Framing {
            size: 8,
            crop: Crop::Center,
            flip: true,
        };
        let image = cut(framing, &ramp(320, 80), None);
        let (red, green) = (&image[..8], &image[64..128]);
        // The middle quarter of the width: 3/8 to 5/8 of 255, in eight steps.
        for (x, value) in red.iter().enumerate() {
            let expected = 255.0 * (120.0 + (x as f64 + 0.5) * 10.0) / 320.0;
            assert!((f64::from(*value) - expected).abs() < 2.0, "{red:?}");
        }
        assert!(green[0] < 20 && green[63] > 235, "{green:?}");
        assert!(image[128..].iter().all(|blue| *blue == 7));
    }

    #[test]
    fn random_crops_are_reproducible_and_half_of_them_are_flipped() {
        let framing = Framing {
            size: 16,
            crop: Crop::Random(0.3),
            flip: true,
        };
        let photograph = ramp(90, 60);
        let cut_with = |seed| {
            cut(
                framing,
                &photograph,
                Some(&mut Rng::new(seed, Purpose::Augment)),
            )
        };
        assert_eq!(cut_with(1), cut_with(1));
        let mut flipped = 0;
        for seed in 0..40 {
            let image = cut_with(seed);
            let (first, last) = (i32::from(image[0]), i32::from(image[15]));
            flipped += i32::from(first > last);
            assert!(
                (first - last).abs() > 60,
                "30 % of the area is at least half of the width"
            );
            assert!(image[256] < image[511], "never upside down");
        }
        assert!((8..32).contains(&flipped), "{flipped}");
        let without_flip = Framing {
            flip: false,
            ..framing
        };
        assert_eq!(
            cut(framing, &photograph, None),
            cut(without_flip, &photograph, None)
        );
    }

    #[test]
    fn any_aspect_ratio_fits() {
        for (width, height) in [(1, 1), (1, 3000), (3000, 1), (2, 2), (7, 5)] {
            for crop in [Crop::Center, Crop::Random(1.0)] {
                let photograph = RgbImage::from_pixel(width, height, image::Rgb([9, 8, 7]));
                let framing = Framing {
                    size: 5,
                    crop,
                    flip: true,
                };
                for rng in [None, Some(&mut Rng::new(3, Purpose::Augment))] {
                    let image = cut(framing, &photograph, rng);
                    assert!(image[..25].iter().all(|red| *red == 9));
                    assert!(image[50..].iter().all(|blue| *blue == 7));
                }
            }
        }
    }
}
