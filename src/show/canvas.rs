//! An image in memory on which charts and montages are drawn.

use crate::error::{Error, Result};
use crate::show::font::text_style;
use crate::show::png::encode_png;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{BackendCoord, DrawingBackend};
use tiny_skia::Pixmap;

/// Pixels of the PNG for each pixel on the page, in each direction: sharp on high-density screens.
pub(crate) const DENSITY: u32 = 2;

/// Maximum width and height in pixels. An image of 32,768 x 32,768 pixels takes 4 GiB.
const MAX_SIDE_PIXELS: usize = 32_768;

/// The result of drawing with plotters.
pub(crate) type DrawResult<DB> =
    std::result::Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// An opaque image. `&mut Canvas` is a backend of plotters.
#[derive(Debug)]
pub(crate) struct Canvas {
    pub(super) pixels: Pixmap,
}

impl Canvas {
    /// An image of one color.
    ///
    /// # Errors
    /// If a side is 0 or above 32,768 pixels.
    pub(crate) fn new(width: usize, height: usize, background: RGBColor) -> Result<Self> {
        let pixels = if width.max(height) > MAX_SIDE_PIXELS {
            None
        } else {
            Pixmap::new(width as u32, height as u32)
        };
        let mut pixels = pixels.ok_or_else(|| {
            Error::shape(
                "image",
                format!("sides of 1 to {MAX_SIDE_PIXELS} pixels"),
                format!("{width} x {height}"),
                "Choose fewer columns or a smaller zoom",
            )
        })?;
        let RGBColor(r, g, b) = background;
        pixels.fill(tiny_skia::Color::from_rgba8(r, g, b, 255));
        Ok(Canvas { pixels })
    }

    /// Width in pixels.
    pub(crate) fn width(&self) -> usize {
        self.pixels.width() as usize
    }

    /// Height in pixels.
    pub(crate) fn height(&self) -> usize {
        self.pixels.height() as usize
    }

    /// The pixels row by row, four bytes each: red, green, blue, 255.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.pixels.data_mut()
    }

    /// Copies another image to a position. Pixels outside this image are clipped.
    pub(crate) fn place(&mut self, other: &Canvas, left: usize, top: usize) {
        let (width, height) = (self.width(), self.height());
        let columns = other.width().min(width.saturating_sub(left));
        for y in 0..other.height().min(height.saturating_sub(top)) {
            let from = &other.pixels.data()[y * other.width() * 4..][..columns * 4];
            self.pixels.data_mut()[((top + y) * width + left) * 4..][..columns * 4]
                .copy_from_slice(from);
        }
    }

    /// Draws one line of text, anchored horizontally by `anchor` and vertically at its middle.
    ///
    /// # Errors
    /// If the font cannot be drawn.
    pub(crate) fn text(
        &mut self,
        text: &str,
        position: BackendCoord,
        size: f64,
        anchor: HPos,
        color: RGBColor,
    ) -> Result<()> {
        let style = text_style(size, color).pos(Pos::new(anchor, VPos::Center));
        let mut backend = self;
        backend
            .draw_text(text, &style, position)
            .map_err(|error| Error::Plot(error.to_string()))
    }

    /// Encodes the image as a PNG file.
    ///
    /// # Errors
    /// If the encoder fails.
    pub(crate) fn to_png(&self) -> Result<Vec<u8>> {
        animated_png(std::slice::from_ref(self), 1.0)
    }
}

/// Encodes images of one size as a PNG file, animated if there are several.
///
/// # Errors
/// If there are no images or the encoder fails.
pub(crate) fn animated_png(frames: &[Canvas], frames_per_second: f64) -> Result<Vec<u8>> {
    let Some(first) = frames.first() else {
        return Err(Error::shape(
            "animation",
            "at least one image",
            "none",
            "Pass at least one image",
        ));
    };
    let (width, height) = (first.pixels.width(), first.pixels.height());
    let frames: Vec<&[u8]> = frames.iter().map(|frame| frame.pixels.data()).collect();
    encode_png(width, height, &frames, frames_per_second)
}

#[cfg(test)]
mod tests {
    use super::Canvas;
    use plotters::style::RGBColor;

    #[test]
    fn a_placed_image_is_clipped_at_the_edge() {
        let (white, black) = (RGBColor(255, 255, 255), RGBColor(0, 0, 0));
        let mut canvas = Canvas::new(3, 2, white).unwrap();
        canvas.place(&Canvas::new(2, 2, black).unwrap(), 2, 1);
        let red: Vec<u8> = canvas.bytes_mut().chunks(4).map(|p| p[0]).collect();
        assert_eq!(red, [255, 255, 255, 255, 255, 0]);
    }

    #[test]
    fn sides_of_zero_or_above_the_maximum_are_rejected() {
        let white = RGBColor(255, 255, 255);
        assert!(Canvas::new(0, 1, white).is_err());
        assert!(Canvas::new(1, 32_769, white).is_err());
    }
}
