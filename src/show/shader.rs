//! Mapping of image values to colors.

use crate::show::color::{WARNING, diverging};
use crate::show::range::finite_range;
use plotters::style::RGBColor;

/// Mapping of image values to brightness or color.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let weights = Tensor::new(&[[-1f32, 0.0], [0.5, 1.0]], &Device::Cpu)?;
/// let montage = Montage::new(&weights)?.scale(show::Scale::Symmetric);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// 0 is black, 1 is white; values outside are clipped. For photographs, digits and their
    /// reconstructions.
    Unit,
    /// 0 is white, negative values are blue, positive values red, up to the largest magnitude in
    /// the image. For weights. In color images 0 is middle gray.
    Symmetric,
    /// The smallest value of the image is black, the largest white.
    MinMax,
    /// Draws each image as the values of a vector, row by row: as a line, or as bars if there are
    /// at most 24. The panel is as high as the range of the values. For measurements, signals and
    /// embeddings.
    Line,
}

/// The smallest and the largest finite value; (∞, -∞) if no value is finite.
pub(crate) fn value_range(values: &[f32]) -> (f32, f32) {
    let (low, high) = finite_range(values.iter().map(|value| f64::from(*value)));
    (low as f32, high as f32) // exact: both were f32
}

/// Maps the values of one image, or of all, to colors.
#[derive(Clone, Copy)]
pub(crate) struct Shader {
    scale: Scale,
    low: f32,
    high: f32,
}

impl Shader {
    /// A shader for the range of these values.
    pub(crate) fn new(scale: Scale, values: &[f32]) -> Self {
        let (low, high) = match scale {
            Scale::Unit => (0.0, 1.0),
            Scale::MinMax | Scale::Line => value_range(values),
            Scale::Symmetric => {
                let (low, high) = value_range(values);
                let magnitude = low.abs().max(high.abs());
                (-magnitude, magnitude)
            }
        };
        Shader { scale, low, high }
    }

    /// The values at both ends of the scale.
    pub(crate) fn range(&self) -> (f32, f32) {
        (self.low, self.high)
    }

    /// Color of a value of a gray image.
    pub(crate) fn gray(&self, value: f32) -> [u8; 3] {
        if !value.is_finite() {
            return rgb(WARNING);
        }
        let position = self.position(value);
        if self.scale == Scale::Symmetric {
            diverging(position)
        } else {
            [to_byte(position); 3]
        }
    }

    /// Color of a pixel of a color image.
    pub(crate) fn color(&self, channels: [f32; 3]) -> [u8; 3] {
        if channels.iter().all(|v| v.is_finite()) {
            channels.map(|v| to_byte(self.position(v)))
        } else {
            rgb(WARNING)
        }
    }

    /// Brightness of a value in a text preview, in [0, 1].
    pub(crate) fn brightness(&self, value: f32) -> f32 {
        match self.scale {
            _ if !value.is_finite() => 0.5,
            Scale::Symmetric => (2.0 * self.position(value) - 1.0).abs(),
            Scale::Unit | Scale::MinMax | Scale::Line => self.position(value),
        }
    }

    /// Position of a value between low and high, in [0, 1].
    fn position(&self, value: f32) -> f32 {
        if self.high > self.low {
            ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
        } else {
            0.5
        }
    }
}

fn to_byte(unit: f32) -> u8 {
    (unit * 255.0).round() as u8
}

fn rgb(RGBColor(r, g, b): RGBColor) -> [u8; 3] {
    [r, g, b]
}

#[cfg(test)]
mod tests {
    use super::{Scale, Shader};

    #[test]
    fn each_scale_maps_its_range_and_constant_images_are_middle_gray() {
        let values = [-1.0, 0.0, 3.0];
        assert_eq!(Shader::new(Scale::Unit, &values).gray(3.0), [255; 3]);
        assert_eq!(Shader::new(Scale::MinMax, &values).gray(-1.0), [0; 3]);
        assert_eq!(Shader::new(Scale::Symmetric, &values).gray(0.0), [255; 3]);
        assert_eq!(Shader::new(Scale::MinMax, &[2.0]).gray(2.0), [128; 3]);
        assert_eq!(Shader::new(Scale::Symmetric, &values).brightness(-3.0), 1.0);
    }

    #[test]
    fn nan_is_magenta() {
        let shader = Shader::new(Scale::Unit, &[]);
        assert_eq!(shader.gray(f32::NAN), [255, 0, 255]);
        assert_eq!(shader.color([0.0, f32::INFINITY, 0.0]), [255, 0, 255]);
    }
}
