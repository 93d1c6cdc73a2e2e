//! The layout of a montage: a grid of images with a title, row labels and captions.

use crate::show::font::text_width;
use crate::show::vectors::Panel;

/// Minimum height of a zoomed image, in pixels.
const MIN_IMAGE_HEIGHT: usize = 56;
/// Maximum number of pixels to which images are zoomed by default.
const MAX_ZOOMED_PIXELS: usize = 4_000_000;
/// Maximum width of a default grid of one row, in pixels.
const PAGE_WIDTH: usize = 720;

/// Text sizes and heights, in pixels on the page.
const TITLE_SIZE: f64 = 15.0;
const CAPTION_SIZE: f64 = 12.0;
const TITLE_HEIGHT: usize = 26;
const CAPTION_HEIGHT: usize = 17;
const GAP: usize = 8;

/// Number and size of the images.
#[derive(Clone, Copy)]
pub(crate) struct ImageGrid {
    pub(crate) count: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

/// Settings of the grid; `None` is chosen from the images.
#[derive(Clone, Debug)]
pub(crate) struct GridSettings {
    pub(crate) columns: Option<usize>,
    /// Between images, in image pixels.
    pub(crate) padding: usize,
    pub(crate) zoom: Option<usize>,
}

impl GridSettings {
    fn zoom(&self, images: ImageGrid) -> usize {
        self.zoom.unwrap_or_else(|| {
            let area = (images.height + self.padding) * (images.width + self.padding);
            let pixels = images.count * area;
            let max_zoom = ((MAX_ZOOMED_PIXELS / pixels.max(1)) as f64).sqrt() as usize;
            MIN_IMAGE_HEIGHT
                .div_ceil(images.height)
                .min(max_zoom)
                .max(1)
        })
    }

    fn columns(&self, images: ImageGrid, zoom: usize) -> usize {
        match self.columns {
            Some(columns) => columns.min(images.count),
            None if images.count * (images.width + self.padding) * zoom <= PAGE_WIDTH => {
                images.count
            }
            None => (images.count as f64).sqrt().ceil() as usize,
        }
    }
}

/// Texts around the images.
#[derive(Clone, Debug, Default)]
pub(crate) struct GridTexts {
    pub(crate) title: String,
    /// One per image, below it; empty if there are none.
    pub(crate) captions: Vec<String>,
    /// One per row, left of it; empty if there are none.
    pub(crate) row_labels: Vec<String>,
}

impl GridTexts {
    /// Width of the row labels with their margins, in pixels.
    fn label_area(&self, density: usize) -> usize {
        match max_width(&self.row_labels, density) {
            0 => 0,
            width => width + 2 * GAP * density,
        }
    }

    /// Minimum width of the montage, in pixels.
    fn title_area(&self, density: usize) -> usize {
        if self.title.is_empty() {
            return 0;
        }
        text_width(&self.title, TITLE_SIZE * density as f64) + 2 * GAP * density
    }

    /// Minimum distance between two images, in pixels.
    fn caption_area(&self, density: usize) -> usize {
        if self.captions.is_empty() {
            return 0;
        }
        max_width(&self.captions, density) + GAP * density
    }
}

fn max_width(texts: &[String], density: usize) -> usize {
    let width = |text: &String| text_width(text, CAPTION_SIZE * density as f64);
    texts.iter().map(width).max().unwrap_or(0)
}

/// Positions in the PNG, in pixels.
pub(crate) struct Layout {
    pub(crate) zoom: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    columns: usize,
    /// Corner of the first image.
    left: usize,
    top: usize,
    /// Distances between the left and upper edges of neighboring images.
    column_step: usize,
    row_step: usize,
    /// Margin on the left of an image that is narrower than its column.
    inset: usize,
    padding: usize,
    image_width: usize,
    image_height: usize,
    density: usize,
}

impl Layout {
    /// Lays out the grid with `density` pixels of the PNG for each pixel on the page.
    pub(crate) fn new(
        images: ImageGrid,
        settings: &GridSettings,
        texts: &GridTexts,
        density: usize,
    ) -> Self {
        let zoom = settings.zoom(images);
        let columns = settings.columns(images, zoom);
        let rows = images.count.div_ceil(columns);
        let zoom = zoom * density;
        let padding = settings.padding * zoom;
        let (image_width, image_height) = (images.width * zoom, images.height * zoom);
        let left = texts.label_area(density) + padding;
        let has_title = !texts.title.is_empty();
        let top = padding + usize::from(has_title) * TITLE_HEIGHT * density;
        let has_captions = !texts.captions.is_empty();
        // A column is at least as wide as its captions, the montage as its title.
        let column_step = (image_width + padding).max(texts.caption_area(density));
        let row_step =
            image_height + padding + usize::from(has_captions) * CAPTION_HEIGHT * density;
        Layout {
            zoom,
            width: (left + columns * column_step).max(texts.title_area(density)),
            height: top + rows * row_step,
            columns,
            left,
            top,
            column_step,
            row_step,
            inset: (column_step - (image_width + padding)) / 2,
            padding,
            image_width,
            image_height,
            density,
        }
    }

    /// Left and upper edge of an image.
    pub(crate) fn corner(&self, index: usize) -> (usize, usize) {
        let (row, column) = (index / self.columns, index % self.columns);
        (
            self.left + column * self.column_step + self.inset,
            self.top + row * self.row_step,
        )
    }

    /// The rectangle of a vector.
    pub(crate) fn panel(&self, index: usize, range: (f32, f32)) -> Panel {
        let (left, top) = self.corner(index);
        Panel {
            left,
            top,
            width: self.image_width,
            height: self.image_height,
            range,
            density: self.density,
        }
    }

    /// Number of images in a row.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Text sizes of the title and of captions and labels.
    pub(crate) fn text_sizes(&self) -> (f64, f64) {
        let density = self.density as f64;
        (TITLE_SIZE * density, CAPTION_SIZE * density)
    }

    /// Left end of the title, at the middle of its height.
    pub(crate) fn title_anchor(&self) -> (i32, i32) {
        (
            (GAP * self.density) as i32,
            (TITLE_HEIGHT * self.density / 2) as i32,
        )
    }

    /// Right end of a row label, at the middle of its height.
    pub(crate) fn label_anchor(&self, row: usize) -> (i32, i32) {
        let right = (self.left - self.padding) as i32 - (GAP * self.density) as i32;
        let middle = self.top + row * self.row_step + self.image_height / 2;
        (right, middle as i32)
    }

    /// Center of a caption.
    pub(crate) fn caption_anchor(&self, index: usize) -> (i32, i32) {
        let (left, top) = self.corner(index);
        let center = left + self.image_width / 2;
        let middle = top + self.image_height + CAPTION_HEIGHT * self.density / 2;
        (center as i32, middle as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::{GridSettings, GridTexts, ImageGrid, Layout};

    fn layout(count: usize, side: usize, texts: &GridTexts) -> Layout {
        let images = ImageGrid {
            count,
            height: side,
            width: side,
        };
        let settings = GridSettings {
            columns: None,
            padding: 1,
            zoom: None,
        };
        Layout::new(images, &settings, texts, 1)
    }

    #[test]
    fn few_small_images_are_zoomed_into_one_row_and_many_form_a_square() {
        let row = layout(5, 28, &GridTexts::default());
        assert_eq!((row.zoom, row.columns()), (2, 5));
        assert_eq!((row.width, row.height), ((5 * 29 + 1) * 2, (28 + 2) * 2));
        let square = layout(100, 28, &GridTexts::default());
        assert_eq!(square.columns(), 10);
        assert_eq!(layout(100_000, 28, &GridTexts::default()).zoom, 1);
    }

    #[test]
    fn wide_captions_widen_the_columns() {
        let texts = GridTexts {
            captions: vec!["a long caption below a small image".into()],
            ..GridTexts::default()
        };
        let layout = layout(2, 8, &texts);
        let (first, second) = (layout.corner(0), layout.corner(1));
        assert!(second.0 - first.0 > 150, "{first:?} {second:?}");
        assert!(first.0 > 50, "the image is centered in its column");
    }
}
