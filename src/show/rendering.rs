//! Rendering of a montage: its pixels, and a summary in plain text.

use crate::error::Result;
use crate::show::canvas::{Canvas, DENSITY};
use crate::show::layout::{GridSettings, GridTexts, ImageGrid, Layout};
use crate::show::montage::Montage;
use crate::show::preview::preview;
use crate::show::shader::{Scale, Shader, value_range};
use crate::show::sparkline::sparkline;
use crate::show::theme::LIGHT;
use crate::show::vectors::VectorSize;
use plotters::style::text_anchor::HPos;

/// Maximum number of images in the text preview.
const MAX_PREVIEWS: usize = 4;
/// Maximum width of a vector in the text preview, in characters.
const MAX_SPARKLINE: usize = 16;

/// One image of a montage, (c, h, w).
#[derive(Clone, Copy)]
struct ImageView<'a> {
    values: &'a [f32],
    channels: usize,
    height: usize,
    width: usize,
}

impl Montage {
    /// Draws the montage with `density` pixels for each pixel on the page.
    pub(crate) fn draw(&self, density: usize) -> Result<Canvas> {
        let shared = self.shared_shader(&self.values()?);
        self.draw_in(density, shared)
    }

    /// Each image without texts, in the colors that it has in the montage.
    pub(super) fn frames(&self) -> Result<Vec<Canvas>> {
        let shared = self.shared_shader(&self.values()?);
        let draw = |i: usize| self.frame(i)?.draw_in(self.density(), shared);
        (0..self.images.dim(0)?).map(draw).collect()
    }

    /// Width and height of a frame, in pixels of the PNG.
    pub(super) fn frame_size(&self) -> Result<(usize, usize)> {
        let layout = self.frame(0)?.layout(self.density());
        Ok((layout.width, layout.height))
    }

    /// The same montage of one image, without texts.
    fn frame(&self, index: usize) -> Result<Montage> {
        let frame = Montage {
            images: self.images.narrow(0, index, 1)?,
            texts: GridTexts::default(),
            ..self.clone()
        };
        Ok(frame.padding(0))
    }

    /// Draws the montage in the colors of `shared`, or else in colors of its own.
    fn draw_in(&self, density: usize, shared: Option<Shader>) -> Result<Canvas> {
        let values = self.values()?;
        let layout = self.layout(density);
        let mut canvas = Canvas::new(layout.width, layout.height, LIGHT.background)?;
        for (index, image) in self.views(&values).enumerate() {
            let shader = shared.unwrap_or_else(|| Shader::new(self.scale, image.values));
            if self.scale == Scale::Line {
                let labeled = !self.texts.row_labels.is_empty();
                let row = index / layout.columns() * usize::from(labeled);
                let panel = layout.panel(index, shader.range());
                panel.draw(&mut canvas, image.values, row);
            } else {
                image.draw(&mut canvas, &layout, index, shader);
            }
        }
        self.draw_texts(&mut canvas, &layout)?;
        Ok(canvas)
    }

    pub(super) fn layout(&self, density: usize) -> Layout {
        let dims = self.images.dims();
        let grid = ImageGrid {
            count: dims[0],
            height: dims[2],
            width: dims[3],
        };
        if self.scale == Scale::Line {
            return self.vector_layout(grid, density);
        }
        Layout::new(grid, &self.settings, &self.texts, density)
    }

    /// Pixels of the PNG for each pixel on the page: the pixels of images are exact, lines are
    /// sharp.
    pub(super) fn density(&self) -> usize {
        match self.scale {
            Scale::Line => DENSITY as usize,
            Scale::Unit | Scale::Symmetric | Scale::MinMax => 1,
        }
    }

    fn vector_layout(&self, grid: ImageGrid, density: usize) -> Layout {
        let size = VectorSize::new(grid.height * grid.width);
        let zoom = self.settings.zoom.unwrap_or(1);
        let grid = ImageGrid {
            height: size.height * zoom,
            width: size.width * zoom,
            ..grid
        };
        let settings = GridSettings {
            padding: self.settings.padding * size.padding,
            zoom: Some(1),
            ..self.settings
        };
        Layout::new(grid, &settings, &self.texts, density)
    }

    /// Describes the images in plain text: number, shape, value range, and a small preview.
    pub(super) fn summary(&self) -> Result<String> {
        let (n, c, h, w) = self.images.dims4()?;
        let values = self.values()?;
        let (low, high) = value_range(&values);
        let title = if self.texts.title.is_empty() {
            match self.scale {
                Scale::Line => "vectors",
                Scale::Unit | Scale::Symmetric | Scale::MinMax => "images",
            }
        } else {
            &self.texts.title
        };
        let mut text =
            format!("{title}: {n} of shape ({c}, {h}, {w}), values {low:.3} to {high:.3}");
        text.push_str(&self.warnings(&values));
        if !self.texts.row_labels.is_empty() {
            text.push_str(&format!("\nrows: {}", self.texts.row_labels.join(", ")));
        }
        let preview = match self.scale {
            Scale::Line => self.sparklines(&values),
            Scale::Unit | Scale::Symmetric | Scale::MinMax => self.preview(&values),
        };
        Ok(if preview.is_empty() {
            text
        } else {
            format!("{text}\n{preview}")
        })
    }

    /// Reports values and images that are not shown as they are.
    fn warnings(&self, values: &[f32]) -> String {
        let count = |matches: fn(f32) -> bool| values.iter().filter(|v| matches(**v)).count();
        // Rounding errors at the ends of [0, 1] are tolerated.
        let outside = match self.scale {
            Scale::Unit => count(|v| v.is_finite() && !(-1e-4..=1.0001).contains(&v)),
            Scale::Symmetric | Scale::MinMax | Scale::Line => 0,
        };
        let not_finite = count(|v| !v.is_finite());
        let mut text = String::new();
        if outside > 0 {
            text.push_str(&format!("; {outside} values outside [0, 1] are clipped"));
        }
        if not_finite > 0 {
            text.push_str(&format!(
                "; {not_finite} values are NaN or infinite, shown in magenta"
            ));
        }
        if self.omitted > 0 {
            text.push_str(&format!("; {} more not shown", self.omitted));
        }
        text
    }

    /// The first vectors of each labeled row as text, or those of the first row.
    fn sparklines(&self, values: &[f32]) -> String {
        let columns = self.layout(1).columns();
        let views: Vec<ImageView<'_>> = self.views(values).collect();
        let rows = views
            .chunks(columns)
            .take(self.texts.row_labels.len().max(1));
        let line = |image: &ImageView<'_>| {
            let values: Vec<f64> = image.values.iter().map(|value| f64::from(*value)).collect();
            sparkline(&values, MAX_SPARKLINE)
        };
        let text = |row: &[ImageView<'_>]| {
            let lines: Vec<String> = row.iter().take(MAX_PREVIEWS).map(line).collect();
            lines.join("  ")
        };
        rows.map(text).collect::<Vec<_>>().join("\n")
    }

    /// The first images of the first row as text.
    fn preview(&self, values: &[f32]) -> String {
        let shared = self.shared_shader(values);
        let columns = self.layout(1).columns();
        let images: Vec<Vec<f32>> = self
            .views(values)
            .take(columns.min(MAX_PREVIEWS))
            .map(|image| {
                let shader = shared.unwrap_or_else(|| Shader::new(self.scale, image.values));
                image.brightness(shader)
            })
            .collect();
        let dims = self.images.dims();
        preview(&images, dims[2], dims[3])
    }

    fn draw_texts(&self, canvas: &mut Canvas, layout: &Layout) -> Result<()> {
        let ink = LIGHT.ink;
        let (title_size, caption_size) = layout.text_sizes();
        let texts = &self.texts;
        if !texts.title.is_empty() {
            let anchor = layout.title_anchor();
            canvas.text(&texts.title, anchor, title_size, HPos::Left, ink)?;
        }
        for (row, label) in texts.row_labels.iter().enumerate() {
            let anchor = layout.label_anchor(row);
            canvas.text(label, anchor, caption_size, HPos::Right, ink)?;
        }
        let n = self.images.dim(0)?;
        for (index, caption) in texts.captions.iter().take(n).enumerate() {
            let anchor = layout.caption_anchor(index);
            canvas.text(caption, anchor, caption_size, HPos::Center, ink)?;
        }
        Ok(())
    }

    fn values(&self) -> Result<Vec<f32>> {
        Ok(self.images.flatten_all()?.to_vec1::<f32>()?)
    }

    fn shared_shader(&self, values: &[f32]) -> Option<Shader> {
        self.shared.then(|| Shader::new(self.scale, values))
    }

    fn views<'a>(&self, values: &'a [f32]) -> impl Iterator<Item = ImageView<'a>> + use<'a> {
        let dims = self.images.dims();
        let (channels, height, width) = (dims[1], dims[2], dims[3]);
        values
            .chunks_exact(channels * height * width)
            .map(move |values| ImageView {
                values,
                channels,
                height,
                width,
            })
    }
}

impl ImageView<'_> {
    /// Draws the image at its position in the grid.
    fn draw(&self, canvas: &mut Canvas, layout: &Layout, index: usize, shader: Shader) {
        let (left, top) = layout.corner(index);
        let zoom = layout.zoom;
        let bytes = canvas.bytes_mut();
        for y in 0..self.height {
            let start = ((top + y * zoom) * layout.width + left) * 4;
            for x in 0..self.width {
                let [r, g, b] = self.pixel(shader, y, x);
                for pixel in bytes[start + x * zoom * 4..][..zoom * 4].chunks_exact_mut(4) {
                    pixel.copy_from_slice(&[r, g, b, 255]);
                }
            }
            // A zoomed row is drawn once, then copied down.
            let row = start..start + self.width * zoom * 4;
            for copy in 1..zoom {
                bytes.copy_within(row.clone(), row.start + copy * layout.width * 4);
            }
        }
    }

    #[inline]
    fn pixel(&self, shader: Shader, y: usize, x: usize) -> [u8; 3] {
        let value = |channel: usize| self.values[(channel * self.height + y) * self.width + x];
        if self.channels == 3 {
            shader.color([value(0), value(1), value(2)])
        } else {
            shader.gray(value(0))
        }
    }

    /// Brightness in [0, 1], averaged over the channels.
    fn brightness(&self, shader: Shader) -> Vec<f32> {
        let area = self.height * self.width;
        let mean = |i: usize| {
            let channels = (0..self.channels).map(|channel| self.values[channel * area + i]);
            channels.sum::<f32>() / self.channels as f32
        };
        (0..area).map(|i| shader.brightness(mean(i))).collect()
    }
}
