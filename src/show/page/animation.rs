//! Animated images.

use crate::error::{Error, Result};
use crate::show::canvas::{Canvas, animated_png};
use crate::show::content::Content;
use crate::show::images::Images;
use crate::show::montage::Montage;

/// Maximum pixels of all frames together: they take 200 MB before they are encoded.
const MAX_PIXELS: usize = 50_000_000;

/// Renders images as an endless animation: an animated PNG, which every front end plays.
///
/// # Shapes
/// As [`Montage::new`]; each image is a frame.
///
/// # Errors
/// If there are no images, or `frames_per_second` is outside 0.1 to 100.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let frames = Tensor::rand(0f32, 1f32, (10, 1, 28, 28), &Device::Cpu)?;
/// page::animation(&frames, 5.0)?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn animation(frames: impl Images, frames_per_second: f64) -> Result<Content> {
    Montage::new(frames)?.animate(frames_per_second)
}

impl Montage {
    /// Renders the images one after another, as an endless animation: an animated PNG. Programs that
    /// do not play it show the first image. Colors and zoom are those of the montage.
    ///
    /// # Errors
    /// `frames_per_second` is outside 0.1 to 100, or the frames have more than 50 million pixels
    /// together.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let digits = mnist_embedded()?.test.first(10)?;
    /// Montage::new(&digits)?.zoom(6).animate(2.0)?
    /// # ; Ok::<(), candlebook::Error>(())
    /// ```
    pub fn animate(&self, frames_per_second: f64) -> Result<Content> {
        if !(0.1..=100.0).contains(&frames_per_second) {
            return Err(Error::setting(
                "frames_per_second",
                "0.1 to 100",
                frames_per_second,
                "Start with 10",
            ));
        }
        let n = self.tensor().dim(0)?;
        let (width, height) = self.frame_size()?;
        let pixels = width.saturating_mul(height).saturating_mul(n);
        if pixels > MAX_PIXELS {
            return Err(Error::setting(
                "animation",
                format!("at most {MAX_PIXELS} pixels in all frames"),
                format!("{n} frames of {width} x {height}"),
                "Use fewer frames or a smaller zoom",
            ));
        }
        let frames: Vec<Canvas> = self.frames()?;
        let png = animated_png(&frames, frames_per_second)?;
        let density = self.density();
        let (width, height) = (width / density, height / density);
        let text = format!(
            "animation: {n} frames of {width} x {height} pixels, {frames_per_second} per second"
        );
        Ok(Content::text(text).png(&png, width, height))
    }
}
