//! The canvas as a backend of plotters, drawn by tiny-skia. Unlike plotters' bitmap backend, it
//! anti-aliases lines.

use crate::show::canvas::Canvas;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use std::convert::Infallible;
use tiny_skia::{FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Rect, Stroke, Transform};

/// Distance from the middle of a text line up to the middle of its digits, as a fraction of the
/// text size.
const DIGIT_RISE: f64 = 0.15;

type BackendResult = Result<(), DrawingErrorKind<Infallible>>;

impl Canvas {
    fn fill_rectangle(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        color: BackendColor,
    ) {
        if let Some(rect) = Rect::from_ltrb(left as f32, top as f32, right as f32, bottom as f32) {
            let mut paint = paint(color);
            paint.anti_alias = false;
            self.pixels
                .fill_rect(rect, &paint, Transform::identity(), None);
        }
    }

    fn stroke_path<S: BackendStyle>(&mut self, path: Option<Path>, style: &S) {
        if let Some(path) = path {
            let stroke = Stroke {
                width: style.stroke_width() as f32,
                line_cap: LineCap::Round,
                line_join: LineJoin::Round,
                ..Stroke::default()
            };
            self.pixels.stroke_path(
                &path,
                &paint(style.color()),
                &stroke,
                Transform::identity(),
                None,
            );
        }
    }

    fn fill_path<S: BackendStyle>(&mut self, path: Option<Path>, style: &S) {
        if let Some(path) = path {
            self.pixels.fill_path(
                &path,
                &paint(style.color()),
                FillRule::Winding,
                Transform::identity(),
                None,
            );
        }
    }
}

fn paint(color: BackendColor) -> Paint<'static> {
    let (r, g, b) = color.rgb;
    let mut paint = Paint {
        anti_alias: true,
        ..Paint::default()
    };
    paint.set_color_rgba8(r, g, b, (color.alpha.clamp(0.0, 1.0) * 255.0).round() as u8);
    paint
}

/// A path through the centers of pixels.
fn path(points: impl IntoIterator<Item = BackendCoord>, closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for (i, (x, y)) in points.into_iter().enumerate() {
        let (x, y) = (x as f32 + 0.5, y as f32 + 0.5);
        if i == 0 {
            builder.move_to(x, y)
        } else {
            builder.line_to(x, y)
        }
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

impl DrawingBackend for &mut Canvas {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.pixels.width(), self.pixels.height())
    }

    fn ensure_prepared(&mut self) -> BackendResult {
        Ok(())
    }

    fn present(&mut self) -> BackendResult {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> BackendResult {
        let (width, height) = (self.width(), self.height());
        if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y))
            && x < width
            && y < height
        {
            let pixel = &mut self.pixels.data_mut()[(y * width + x) * 4..][..3];
            let (r, g, b) = color.rgb;
            for (old, new) in pixel.iter_mut().zip([r, g, b]) {
                *old = (f64::from(*old) + (f64::from(new) - f64::from(*old)) * color.alpha).round()
                    as u8;
            }
        }
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> BackendResult {
        self.stroke_path(path([from, to], false), style);
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> BackendResult {
        let (left, right) = (from.0.min(to.0), from.0.max(to.0));
        let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
        if fill {
            self.fill_rectangle((left, top), (right + 1, bottom + 1), style.color());
        } else {
            self.stroke_path(
                path(
                    [(left, top), (right, top), (right, bottom), (left, bottom)],
                    true,
                ),
                style,
            );
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &S,
    ) -> BackendResult {
        self.stroke_path(path(points, false), style);
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> BackendResult {
        let circle = PathBuilder::from_circle(x as f32 + 0.5, y as f32 + 0.5, radius as f32);
        if fill {
            self.fill_path(circle, style)
        } else {
            self.stroke_path(circle, style)
        }
        Ok(())
    }

    /// Draws text like plotters' backends, but centers the digits rather than the line on the
    /// point.
    fn draw_text<T: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &T,
        (x, y): BackendCoord,
    ) -> BackendResult {
        let failed = |error: T::FontError| DrawingErrorKind::FontError(Box::new(error));
        let ((left, top), (right, bottom)) = style.layout_box(text).map_err(failed)?;
        let (width, height) = (right - left, bottom - top);
        let dx = match style.anchor().h_pos {
            HPos::Left => 0,
            HPos::Right => -width,
            HPos::Center => -width / 2,
        };
        let dy = match style.anchor().v_pos {
            VPos::Top => 0,
            VPos::Center => -height / 2 + (style.size() * DIGIT_RISE).round() as i32,
            VPos::Bottom => -height,
        };
        let transform = style.transform();
        let result = style.draw(text, (0, 0), |across, down, color| {
            let (across, down) = transform.transform(across + dx - left, down + dy - top);
            self.draw_pixel((x + across, y + down), color)
        });
        result.map_err(failed)?
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &S,
    ) -> BackendResult {
        self.fill_path(path(points, true), style);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Canvas;
    use plotters::prelude::*;

    fn count(canvas: &mut Canvas, value: u8) -> usize {
        let red = canvas.bytes_mut().chunks(4).map(|p| p[0]);
        red.filter(|red| *red == value).count()
    }

    #[test]
    fn filled_rectangles_include_both_corners() {
        let mut canvas = Canvas::new(10, 10, WHITE).unwrap();
        let mut backend = &mut canvas;
        backend
            .draw_rect((2, 3), (4, 6), &BLACK.filled(), true)
            .unwrap();
        assert_eq!(count(&mut canvas, 0), 3 * 4);
    }

    #[test]
    fn pixels_are_blended_by_alpha_and_ignored_outside() {
        let mut canvas = Canvas::new(2, 2, WHITE).unwrap();
        let mut backend = &mut canvas;
        let half = plotters_backend::BackendColor {
            alpha: 0.5,
            rgb: (0, 0, 0),
        };
        backend.draw_pixel((1, 1), half).unwrap();
        backend.draw_pixel((-1, 5), half).unwrap();
        assert_eq!((count(&mut canvas, 128), count(&mut canvas, 255)), (1, 3));
    }
}
