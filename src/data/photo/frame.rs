//! Photographs of any size brought to one size: resized, cut, flipped.
//!
//! A photograph first becomes a frame: as small as what is cut from it allows. Frames are what is kept in a packed file, so
//! that reading from there and decoding anew give the same pictures.

use crate::error::{Error, Result};
use crate::math::Rng;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use std::cell::RefCell;

/// Frames for random cuts have a short side of 8/7 of the picture's, as 256 is to 224 with ImageNet.
const MARGIN: (usize, usize) = (8, 7);
/// What is longer than so many times its height (or higher than its width) loses its ends.
const LONGEST: f64 = 4.0;
/// Proportions of random cuts, width by height.
const PROPORTIONS: (f32, f32) = (3.0 / 4.0, 4.0 / 3.0);

/// What is cut from a photograph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Crop {
    /// The middle: the photograph is resized until its short side fits, and loses both ends of the other. PyTorch's
    /// `transforms.Resize(size)`, `CenterCrop(size)`.
    Center,
    /// In training, a part chosen anew each time, of at least this share of the area in (0, 1] and of proportions from 3:4
    /// to 4:3, resized; PyTorch's `transforms.RandomResizedCrop`, whose smallest share is 0.08. Elsewhere the middle, with
    /// the short side at 8/7 of the size, as one does with ImageNet (`Resize(256)`, `CenterCrop(224)`).
    Random(f32),
}

/// How photographs become pictures of one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Framing {
    pub(crate) size: usize,
    pub(crate) crop: Crop,
    pub(crate) flip: bool,
}

/// A photograph reduced to what pictures are cut from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Red, green and blue of each pixel.
    pub(crate) bytes: Vec<u8>,
}

/// A part of a photograph, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Part {
    /// The largest part of these proportions, in the middle.
    fn middle(width: f64, height: f64, proportion: f64) -> Part {
        let (w, h) = if width > height * proportion {
            (height * proportion, height)
        } else {
            (width, width / proportion)
        };
        Part {
            left: (width - w) / 2.0,
            top: (height - h) / 2.0,
            width: w,
            height: h,
        }
    }
}

impl Framing {
    /// Finds what no picture can be made with.
    pub(crate) fn check(&self) -> Result<()> {
        if !(1..=4096).contains(&self.size) {
            return Err(Error::setting(
                "ImageFolder::size",
                "1 to 4096 pixels",
                self.size,
                "64 is quick, 224 is ImageNet's",
            ));
        }
        match self.crop {
            Crop::Random(share) if !(share > 0.0 && share <= 1.0) => Err(Error::setting(
                "Crop::Random",
                "a share of the area in (0, 1]",
                share,
                "0.5 is a good start",
            )),
            _ => Ok(()),
        }
    }

    /// How many bytes a picture has.
    pub(crate) fn bytes(&self) -> usize {
        3 * self.size * self.size
    }

    /// What is kept of a photograph.
    pub(crate) fn frame(&self, photograph: &RgbImage) -> std::result::Result<Frame, String> {
        let (width, height) = (
            f64::from(photograph.width()),
            f64::from(photograph.height()),
        );
        let (part, short) = match self.crop {
            Crop::Center => (Part::middle(width, height, 1.0), self.size),
            Crop::Random(_) => {
                let proportion = (width / height).clamp(1.0 / LONGEST, LONGEST);
                (
                    Part::middle(width, height, proportion),
                    (self.size * MARGIN.0).div_ceil(MARGIN.1),
                )
            }
        };
        let scale = short as f64 / part.width.min(part.height);
        let side = |length: f64| ((length * scale).round() as usize).max(1);
        let whole = (
            photograph.as_raw().as_slice(),
            photograph.width() as usize,
            photograph.height() as usize,
        );
        let (width, height) = (side(part.width), side(part.height));
        Ok(Frame {
            width,
            height,
            bytes: resized(whole, part, (width, height))?,
        })
    }

    /// One picture of a frame, cut by chance where a generator is given.
    ///
    /// # Shapes
    /// `picture` is (3, size, size).
    pub(crate) fn cut(
        &self,
        frame: &Frame,
        draws: Option<&mut Rng>,
        picture: &mut [u8],
    ) -> std::result::Result<(), String> {
        let (width, height, size) = (frame.width, frame.height, self.size);
        let whole = (frame.bytes.as_slice(), width, height);
        let (mut mirrored, mut chosen) = (false, None);
        if let Some(draws) = draws {
            mirrored = self.flip && draws.unit() < 0.5;
            if let Crop::Random(share) = self.crop {
                chosen = Some(random_part(width as f64, height as f64, share, draws));
            }
        }
        match chosen {
            Some(part) => planes(
                &resized(whole, part, (size, size))?,
                size,
                (0, 0),
                size,
                mirrored,
                picture,
            ),
            None => {
                let corner = (
                    width.saturating_sub(size) / 2,
                    height.saturating_sub(size) / 2,
                );
                planes(&frame.bytes, width, corner, size, mirrored, picture);
            }
        }
        Ok(())
    }
}

/// A part of at least a share of the area, of random proportions; the middle where ten tries do not fit.
fn random_part(width: f64, height: f64, share: f32, draws: &mut Rng) -> Part {
    for _ in 0..10 {
        let area = width * height * f64::from(share + (1.0 - share) * draws.unit());
        let (low, high) = (PROPORTIONS.0.ln(), PROPORTIONS.1.ln());
        let proportion = f64::from((low + (high - low) * draws.unit()).exp());
        let (w, h) = ((area * proportion).sqrt(), (area / proportion).sqrt());
        let (across, down) = (f64::from(draws.unit()), f64::from(draws.unit()));
        if w <= width && h <= height {
            return Part {
                left: across * (width - w),
                top: down * (height - h),
                width: w,
                height: h,
            };
        }
    }
    Part::middle(
        width,
        height,
        (width / height).clamp(PROPORTIONS.0.into(), PROPORTIONS.1.into()),
    )
}

/// A part of a picture at another size, every source pixel having its share.
fn resized(
    (bytes, width, height): (&[u8], usize, usize),
    part: Part,
    (to_width, to_height): (usize, usize),
) -> std::result::Result<Vec<u8>, String> {
    thread_local! {
        static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
    }
    let source = ImageRef::new(width as u32, height as u32, bytes, PixelType::U8x3)
        .map_err(|error| error.to_string())?;
    let mut target = Image::new(to_width as u32, to_height as u32, PixelType::U8x3);
    let how = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .crop(part.left, part.top, part.width, part.height);
    RESIZER
        .with_borrow_mut(|resizer| resizer.resize(&source, &mut target, &how))
        .map_err(|error| error.to_string())?;
    Ok(target.into_vec())
}

/// Takes a square of pixels apart into its three planes.
///
/// # Shapes
/// (height, width, 3) -> (3, size, size)
fn planes(
    bytes: &[u8],
    width: usize,
    (left, top): (usize, usize),
    size: usize,
    mirrored: bool,
    picture: &mut [u8],
) {
    let (red, rest) = picture.split_at_mut(size * size);
    let (green, blue) = rest.split_at_mut(size * size);
    for y in 0..size {
        let row = &bytes[3 * ((top + y) * width + left)..][..3 * size];
        for (x, [r, g, b]) in row.as_chunks::<3>().0.iter().enumerate() {
            let at = y * size + if mirrored { size - 1 - x } else { x };
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
            image::Rgb([
                (255 * x / (width - 1)) as u8,
                (255 * y / (height - 1)) as u8,
                7,
            ])
        })
    }

    fn cut(framing: Framing, photograph: &RgbImage, draws: Option<&mut Rng>) -> Vec<u8> {
        let mut picture = vec![0; framing.bytes()];
        framing
            .cut(&framing.frame(photograph).unwrap(), draws, &mut picture)
            .unwrap();
        picture
    }

    #[test]
    fn the_middle_of_a_wide_photograph_is_kept() {
        let framing = Framing {
            size: 8,
            crop: Crop::Center,
            flip: true,
        };
        let picture = cut(framing, &ramp(320, 80), None);
        let (red, green) = (&picture[..8], &picture[64..128]);
        // The middle quarter of the width: 3/8 to 5/8 of 255, in eight steps.
        for (x, value) in red.iter().enumerate() {
            let expected = 255.0 * (120.0 + (x as f64 + 0.5) * 10.0) / 320.0;
            assert!((f64::from(*value) - expected).abs() < 2.0, "{red:?}");
        }
        assert!(green[0] < 20 && green[63] > 235, "{green:?}");
        assert!(picture[128..].iter().all(|blue| *blue == 7));
    }

    #[test]
    fn random_cuts_stay_inside_and_repeat_with_their_seed() {
        let framing = Framing {
            size: 16,
            crop: Crop::Random(0.3),
            flip: true,
        };
        let photograph = ramp(90, 60);
        let draw = |seed| {
            cut(
                framing,
                &photograph,
                Some(&mut Rng::new(seed, Purpose::Augment)),
            )
        };
        assert_eq!(draw(1), draw(1));
        let mut mirrored = 0;
        for seed in 0..40 {
            let picture = draw(seed);
            let (first, last) = (i32::from(picture[0]), i32::from(picture[15]));
            mirrored += i32::from(first > last);
            assert!(
                (first - last).abs() > 60,
                "a third of the area is at least half of the width"
            );
            assert!(picture[256] < picture[511], "never upside down");
        }
        assert!((8..32).contains(&mirrored), "{mirrored}");
        assert_eq!(
            cut(framing, &photograph, None),
            cut(
                Framing {
                    flip: false,
                    ..framing
                },
                &photograph,
                None
            )
        );
    }

    #[test]
    fn any_proportions_fit() {
        for (width, height) in [(1, 1), (1, 3000), (3000, 1), (2, 2), (7, 5)] {
            for crop in [Crop::Center, Crop::Random(1.0)] {
                let photograph = RgbImage::from_pixel(width, height, image::Rgb([9, 8, 7]));
                let framing = Framing {
                    size: 5,
                    crop,
                    flip: true,
                };
                for draws in [None, Some(&mut Rng::new(3, Purpose::Augment))] {
                    let picture = cut(framing, &photograph, draws);
                    assert!(
                        picture[..25].iter().all(|v| *v == 9)
                            && picture[50..].iter().all(|v| *v == 7)
                    );
                }
            }
        }
    }
}
