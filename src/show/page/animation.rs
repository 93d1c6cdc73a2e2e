//! Animated images.

use crate::error::{Error, Result};
use crate::show::canvas::animated_png;
use crate::show::content::Content;
use crate::show::images::Images;
use crate::show::montage::Montage;

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
    if !(0.1..=100.0).contains(&frames_per_second) {
        return Err(Error::setting(
            "frames_per_second",
            "0.1 to 100",
            frames_per_second,
            "Start with 10",
        ));
    }
    let montage = Montage::new(frames)?;
    let images = montage.tensor();
    let n = images.dim(0)?;
    let frame =
        |i: usize| -> Result<_> { Montage::new(images.narrow(0, i, 1)?)?.padding(0).draw(1) };
    let frames = (0..n).map(frame).collect::<Result<Vec<_>>>()?;
    let png = animated_png(&frames, frames_per_second)?;
    let (width, height) = (frames[0].width(), frames[0].height());
    let text = format!(
        "animation: {n} frames of {width} x {height} pixels, {frames_per_second} per second"
    );
    Ok(Content::text(text).png(&png, width, height))
}
