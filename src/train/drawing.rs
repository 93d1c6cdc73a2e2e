//! Drawing of a training run: the loss curve above a strip of images with their reconstructions.

use super::history::History;
use crate::data::{ImageShape, Split, is_vector};
use crate::error::Result;
use crate::model::Autoencoder;
use crate::show::{Canvas, DENSITY, LIGHT, VectorSize};
use plotters::style::text_anchor::HPos;

/// Width of the drawing, in pixels.
pub(crate) const WIDTH: usize = 680;
/// Height of the loss curve, in pixels.
const CURVE_HEIGHT: usize = 260;
/// Height of a line of the caption above the curve, in pixels.
const CAPTION_HEIGHT: usize = 28;
/// Size of the caption's text, in pixels.
const TEXT_SIZE: usize = 14;
/// Left margin of the caption, in pixels.
const MARGIN: usize = 8;
/// Width of the labels of the strip, in pixels.
const LABELS_WIDTH: usize = 130;
/// Height of an enlarged image in the strip, in pixels.
const STRIP_HEIGHT: f64 = 48.0;
/// Maximum number of images in the strip.
const MAX_COLUMNS: usize = 12;

/// Drawing of a training run.
pub(crate) struct Drawing {
    /// Number of images in the strip.
    columns: usize,
    /// Enlargement of these images.
    zoom: usize,
    /// Strip of the last epoch that was rendered.
    strip: Option<Canvas>,
}

impl Drawing {
    /// Drawing without strip, before the end of an epoch.
    pub(crate) fn new((c, h, w): ImageShape) -> Self {
        let (zoom, width) = if is_vector((c, h, w)) {
            let size = VectorSize::new(w);
            (1, size.width + size.padding)
        } else {
            let zoom = ((STRIP_HEIGHT / h as f64).round() as usize).max(1);
            (zoom, w * zoom + zoom)
        };
        let columns = (WIDTH - LABELS_WIDTH) / width;
        Drawing {
            columns: columns.clamp(1, MAX_COLUMNS),
            zoom,
            strip: None,
        }
    }

    /// Draws the strip anew, with the model's current reconstructions.
    pub(crate) fn update(
        &mut self,
        model: &Autoencoder,
        history: &History,
        images: &Split,
    ) -> Result<()> {
        let strip = model.reconstructions_for(images, self.columns, history.loss)?;
        self.strip = Some(strip.zoom(self.zoom).draw(DENSITY as usize)?);
        Ok(())
    }

    /// Curve above strip, below `top` empty rows of pixels.
    pub(crate) fn compose(&self, history: &History, top: usize) -> Result<Canvas> {
        let curve = history.canvas(WIDTH, CURVE_HEIGHT)?;
        let strip_height = self.strip.as_ref().map_or(0, Canvas::height);
        let height = top + curve.height() + strip_height;
        let mut canvas = Canvas::new(curve.width(), height, LIGHT.background)?;
        canvas.place(&curve, 0, top);
        if let Some(strip) = &self.strip {
            canvas.place(strip, 0, top + curve.height());
        }
        Ok(canvas)
    }

    /// Curve above strip, below a caption.
    pub(crate) fn with_caption(&self, history: &History, caption: &str) -> Result<Canvas> {
        let density = DENSITY as usize;
        let height = CAPTION_HEIGHT * density;
        let mut canvas = self.compose(history, height * caption.lines().count())?;
        let size = (TEXT_SIZE * density) as f64;
        for (i, line) in caption.lines().enumerate() {
            let y = height * i + height / 2;
            let anchor = ((MARGIN * density) as i32, y as i32);
            canvas.text(line, anchor, size, HPos::Left, LIGHT.ink)?;
        }
        Ok(canvas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Epoch;

    #[test]
    fn the_strip_fits_the_width() {
        for (shape, columns, zoom) in [
            ((1, 28, 28), 9, 2),
            ((3, 1000, 1000), 1, 1),
            ((1, 1, 12), 5, 1),
        ] {
            let drawing = Drawing::new(shape);
            assert_eq!((drawing.columns, drawing.zoom), (columns, zoom));
        }
    }

    #[test]
    fn a_caption_adds_its_height() {
        let epoch = Epoch {
            learning_rate: 0.001,
            train_loss: 0.25,
            seconds: 1.0,
            images_per_second: 100.0,
            ..Default::default()
        };
        let history = History {
            epochs: vec![epoch.clone(), epoch],
            ..Default::default()
        };
        let drawing = Drawing::new((1, 28, 28));
        let density = DENSITY as usize;
        let plain = drawing.compose(&history, 0).unwrap();
        assert_eq!(plain.width(), WIDTH * density);
        assert_eq!(plain.height(), CURVE_HEIGHT * density);
        let captioned = drawing.with_caption(&history, "trained").unwrap();
        let height = plain.height() + CAPTION_HEIGHT * density;
        assert_eq!(
            (captioned.width(), captioned.height()),
            (plain.width(), height)
        );
        let two = drawing.with_caption(&history, "trained\nactive").unwrap();
        assert_eq!(two.height(), height + CAPTION_HEIGHT * density);
    }
}
