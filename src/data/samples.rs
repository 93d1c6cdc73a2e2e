//! A split as the last expression of a cell: its first images.

use crate::data::split::Split;
use crate::error::Result;
use crate::show::{Content, Montage, Show, evcxr_display};

/// Page width available to the sample images, in pixels.
const SAMPLE_STRIP_WIDTH: usize = 700;
const MAX_SAMPLES: usize = 20;

impl Split {
    /// A montage of the first images, two rows wide at most; `None` for an empty split.
    pub(crate) fn samples(&self, title: String) -> Result<Option<Montage>> {
        if self.is_empty() {
            return Ok(None);
        }
        let columns = (SAMPLE_STRIP_WIDTH / (self.image_shape().2 + 2)).clamp(1, MAX_SAMPLES);
        let images = self.first((2 * columns).min(MAX_SAMPLES))?;
        Ok(Some(Montage::new(&images)?.columns(columns).title(title)))
    }
}

impl Show for Split {
    fn contents(&self) -> Result<Vec<Content>> {
        let (c, h, w) = self.image_shape();
        let title = format!("{} images ({c}, {h}, {w}), the first", self.len());
        match self.samples(title)? {
            Some(samples) => samples.contents(),
            None => Ok(vec![Content::text(format!("0 images ({c}, {h}, {w})"))]),
        }
    }
}
evcxr_display!(Split);
