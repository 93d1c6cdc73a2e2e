//! A split as the last expression of a cell: its first images.

use crate::data::split::{ImageShape, Split, is_vector};
use crate::error::Result;
use crate::show::{Content, Montage, Scale, Show, VectorSize, evcxr_display};

/// Page width available to the sample images, in pixels.
const SAMPLE_STRIP_WIDTH: usize = 700;
const MAX_SAMPLES: usize = 20;

/// Draws vectors as lines over one range. Images stay as they are.
pub(crate) fn vectors_as_lines(montage: Montage, shape: ImageShape) -> Montage {
    if is_vector(shape) {
        montage.scale(Scale::Line).shared()
    } else {
        montage
    }
}

impl Split {
    /// A montage of the first images, two rows wide at most; `None` for an empty split.
    pub(crate) fn samples(&self, title: String) -> Result<Option<Montage>> {
        if self.is_empty() {
            return Ok(None);
        }
        let (shape, (_, _, w)) = (self.image_shape(), self.image_shape());
        let width = if is_vector(shape) {
            let size = VectorSize::new(w);
            size.width + size.padding
        } else {
            w + 2
        };
        let columns = (SAMPLE_STRIP_WIDTH / width).clamp(1, MAX_SAMPLES);
        let images = self.first((2 * columns).min(MAX_SAMPLES))?;
        let montage = Montage::new(&images)?.columns(columns).title(title);
        Ok(Some(vectors_as_lines(montage, shape)))
    }
}

impl Show for Split {
    fn contents(&self) -> Result<Vec<Content>> {
        let (c, h, w) = self.image_shape();
        let n = self.len();
        let title = if is_vector((c, h, w)) {
            format!("{n} vectors of {w} values, the first")
        } else {
            format!("{n} images ({c}, {h}, {w}), the first")
        };
        match self.samples(title)? {
            Some(samples) => samples.contents(),
            None => Ok(vec![Content::text(format!("0 images ({c}, {h}, {w})"))]),
        }
    }
}
evcxr_display!(Split);
