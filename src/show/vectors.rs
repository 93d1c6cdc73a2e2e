//! Vectors in a montage: lines over the index, or bars if the vectors are short.

use crate::show::canvas::Canvas;
use crate::show::color::{PALETTE, WARNING};
use crate::show::theme::LIGHT;
use plotters::style::{Color, RGBColor, ShapeStyle};
use plotters_backend::DrawingBackend;

/// Maximum number of values that are drawn as bars.
const MAX_BARS: usize = 24;
/// Height of a vector, in pixels on the page.
const HEIGHT: usize = 52;
/// Minimum and maximum width of a vector, in pixels on the page.
const WIDTHS: (usize, usize) = (72, 168);
/// Width of a bar with its gap, in pixels on the page.
const BAR_WIDTH: usize = 8;
/// Distance between vectors for each pixel of padding, in pixels on the page.
const PADDING: usize = 8;
/// Margin above and below the values, as a share of the height.
const MARGIN: f32 = 0.1;
const PANEL: RGBColor = RGBColor(245, 246, 248);

/// Size of a vector of `length` values, and the factor of its padding, in pixels on the page.
pub(crate) struct VectorSize {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) padding: usize,
}

impl VectorSize {
    pub(crate) fn new(length: usize) -> Self {
        VectorSize {
            width: length.saturating_mul(BAR_WIDTH).clamp(WIDTHS.0, WIDTHS.1),
            height: HEIGHT,
            padding: PADDING,
        }
    }
}

/// A rectangle of a canvas with the range of its vertical axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panel {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Values at the bottom and at the top.
    pub(crate) range: (f32, f32),
    /// Pixels for each pixel on the page.
    pub(crate) density: usize,
}

impl Panel {
    /// Draws the values of a vector. `row` selects the color.
    pub(crate) fn draw(&self, canvas: &mut Canvas, values: &[f32], row: usize) {
        let (right, bottom) = (self.left + self.width, self.top + self.height);
        self.fill(canvas, (self.left, right), (self.top, bottom), PANEL);
        if (self.range.0..=self.range.1).contains(&0.0) {
            let y = self.y(0.0) as usize;
            self.fill(
                canvas,
                (self.left, right),
                (y, y + self.density),
                LIGHT.grid,
            );
        }
        let color = PALETTE[row % PALETTE.len()];
        if values.len() <= MAX_BARS {
            self.bars(canvas, values, color);
        } else {
            self.line(canvas, values, color);
        }
        for i in (0..values.len()).filter(|i| !values[*i].is_finite()) {
            let x = self.x(i, values.len());
            self.fill(canvas, (x, x + self.density), (self.top, bottom), WARNING);
        }
    }

    /// Bars from zero, or from the end of the range that is nearest to it.
    fn bars(&self, canvas: &mut Canvas, values: &[f32], color: RGBColor) {
        // Not `clamp`, which panics if no value is finite: the range is empty then.
        let base = self.y(0f32.max(self.range.0).min(self.range.1));
        let step = self.width as f32 / values.len() as f32;
        for (i, value) in values
            .iter()
            .enumerate()
            .filter(|(_, value)| value.is_finite())
        {
            let left = self.left as f32 + i as f32 * step;
            let columns = ((left + 0.15 * step) as usize, (left + 0.85 * step) as usize);
            let y = self.y(*value);
            // A value of zero has a bar of one pixel.
            let (top, bottom) = (y.min(base) as usize, y.max(base) as usize);
            self.fill(
                canvas,
                columns,
                (top, bottom.max(top + self.density)),
                color,
            );
        }
    }

    /// A line through the finite values, in several parts if there are gaps.
    fn line(&self, canvas: &mut Canvas, values: &[f32], color: RGBColor) {
        let style = ShapeStyle {
            color: color.to_rgba(),
            filled: false,
            stroke_width: (3 * self.density as u32).div_ceil(2),
        };
        let points: Vec<Option<(i32, i32)>> = (0..values.len())
            .map(|i| {
                let point = (self.x(i, values.len()) as i32, self.y(values[i]) as i32);
                values[i].is_finite().then_some(point)
            })
            .collect();
        for part in points.split(Option::is_none) {
            // Drawing in memory cannot fail.
            let _ = (&mut *canvas).draw_path(part.iter().copied().flatten(), &style);
        }
    }

    fn fill(&self, canvas: &mut Canvas, x: (usize, usize), y: (usize, usize), color: RGBColor) {
        let (from, to) = ((x.0 as i32, y.0 as i32), (x.1 as i32 - 1, y.1 as i32 - 1));
        let mut backend = canvas;
        let _ = backend.draw_rect(from, to, &color.filled(), true);
    }

    /// Column of value `i` of `n`.
    fn x(&self, i: usize, n: usize) -> usize {
        let margin = 2 * self.density;
        let span = self.width.saturating_sub(2 * margin + self.density);
        self.left + margin + i * span / (n - 1).max(1)
    }

    fn y(&self, value: f32) -> f32 {
        let (low, high) = self.range;
        let position = if high > low {
            // In f64: the difference of two f32 may be infinite.
            ((f64::from(value) - f64::from(low)) / (f64::from(high) - f64::from(low))) as f32
        } else {
            0.5
        };
        let share = MARGIN + (1.0 - 2.0 * MARGIN) * (1.0 - position.clamp(0.0, 1.0));
        self.top as f32 + share * self.height as f32
    }
}
