//! [`Crop`]: the part of a photograph that becomes an image.

use crate::math::Rng;
use serde::{Deserialize, Serialize};

/// Aspect ratios of random crops, width by height.
const ASPECT_RATIOS: (f32, f32) = (3.0 / 4.0, 4.0 / 3.0);

/// The part of each photograph that becomes an image.
///
/// # Examples
/// ```
/// use candlebook::data::{Crop, PhotoSettings};
/// let settings = PhotoSettings { crop: Crop::Random(0.5), ..Default::default() };
/// # assert_eq!(settings.crop, Crop::Random(0.5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Crop {
    /// The center square: the photograph is resized until its short side fits, then the ends of
    /// the long side are cut off. PyTorch's `transforms.Resize(size)`, `CenterCrop(size)`.
    Center,
    /// In training, a random rectangle with at least this share of the area, in (0, 1], and an
    /// aspect ratio from 3:4 to 4:3, resized to a square. PyTorch's
    /// `transforms.RandomResizedCrop`, whose default is 0.08. In evaluation the center square of
    /// the photograph resized to 8/7 of the size, as usual for ImageNet (`Resize(256)`,
    /// `CenterCrop(224)`).
    Random(f32),
}

/// A rectangle in pixel coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rect {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rect {
    /// The largest centered rectangle with this aspect ratio.
    pub(crate) fn centered(width: f64, height: f64, aspect_ratio: f64) -> Rect {
        let (w, h) = if width > height * aspect_ratio {
            (height * aspect_ratio, height)
        } else {
            (width, width / aspect_ratio)
        };
        Rect {
            left: (width - w) / 2.0,
            top: (height - h) / 2.0,
            width: w,
            height: h,
        }
    }

    /// A random rectangle with at least this share of the area. After ten tries that do not fit,
    /// the largest centered one.
    pub(crate) fn random(width: f64, height: f64, min_share: f32, rng: &mut Rng) -> Rect {
        for _ in 0..10 {
            let area = width * height * f64::from(min_share + (1.0 - min_share) * rng.unit());
            let (low, high) = (ASPECT_RATIOS.0.ln(), ASPECT_RATIOS.1.ln());
            let aspect_ratio = f64::from((low + (high - low) * rng.unit()).exp());
            let (w, h) = ((area * aspect_ratio).sqrt(), (area / aspect_ratio).sqrt());
            let (across, down) = (f64::from(rng.unit()), f64::from(rng.unit()));
            if w <= width && h <= height {
                let (left, top) = (across * (width - w), down * (height - h));
                return Rect {
                    left,
                    top,
                    width: w,
                    height: h,
                };
            }
        }
        let (low, high) = ASPECT_RATIOS;
        Rect::centered(
            width,
            height,
            (width / height).clamp(low.into(), high.into()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Purpose;

    #[test]
    fn a_centered_rectangle_has_the_aspect_ratio() {
        let rect = Rect::centered(320.0, 80.0, 1.0);
        assert_eq!(
            rect,
            Rect {
                left: 120.0,
                top: 0.0,
                width: 80.0,
                height: 80.0
            }
        );
        let rect = Rect::centered(30.0, 90.0, 0.5);
        assert_eq!(
            rect,
            Rect {
                left: 0.0,
                top: 15.0,
                width: 30.0,
                height: 60.0
            }
        );
    }

    #[test]
    fn random_rectangles_are_inside_and_large_enough() {
        let mut rng = Rng::new(3, Purpose::Augment);
        for _ in 0..200 {
            let rect = Rect::random(90.0, 60.0, 0.3, &mut rng);
            assert!(
                rect.left >= 0.0 && rect.left + rect.width <= 90.0 + 1e-9,
                "{rect:?}"
            );
            assert!(
                rect.top >= 0.0 && rect.top + rect.height <= 60.0 + 1e-9,
                "{rect:?}"
            );
            assert!(
                rect.width * rect.height >= 0.3 * 90.0 * 60.0 - 1e-3,
                "{rect:?}"
            );
        }
    }
}
