//! A picture in memory that charts and montages are drawn on: smooth lines and text over exact pixels, out as a PNG.
//!
//! It is a backend of plotters, drawn by tiny-skia, since plotters' own has jagged lines.

use crate::error::{Error, Result};
use plotters::drawing::DrawingAreaErrorKind;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, IntoFont, RGBColor, TextStyle, register_font};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use png::{BitDepth, ColorType, DeflateCompression, Encoder, Filter};
use std::sync::Once;
use tiny_skia::{
    FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform,
};

/// Pixels of the PNG for each pixel of the page: charts are sharp on screens of twice the usual density.
pub(crate) const DENSITY: u32 = 2;

/// The embedded font's name, for styles of plotters.
pub(crate) const FONT: &str = "DejaVu Sans";

/// Sides longer than this are a slip: 32,768 x 32,768 pixels are 4 GB.
const LONGEST: usize = 32_768;

/// How far above the middle of its line a figure stands, as a share of the text size.
const LIFT: f64 = 0.15;

/// Text and what it stands on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Colors {
    pub(crate) background: RGBColor,
    pub(crate) ink: RGBColor,
    /// Lines behind the data.
    pub(crate) grid: RGBColor,
}

/// Dark on white.
pub(crate) const LIGHT: Colors = Colors {
    background: RGBColor(255, 255, 255),
    ink: RGBColor(60, 60, 60),
    grid: RGBColor(228, 228, 228),
};
/// Light on near-black.
pub(crate) const DARK: Colors = Colors {
    background: RGBColor(28, 28, 30),
    ink: RGBColor(214, 214, 214),
    grid: RGBColor(62, 62, 66),
};

/// A picture of opaque pixels.
#[derive(Debug)]
pub(crate) struct Canvas {
    pixels: Pixmap,
}

impl Canvas {
    /// A picture of one colour.
    ///
    /// # Errors
    /// Sides of 0 or above 32,768 pixels.
    pub(crate) fn new(width: usize, height: usize, background: RGBColor) -> Result<Self> {
        let made = if width.max(height) > LONGEST {
            None
        } else {
            Pixmap::new(width as u32, height as u32)
        };
        let mut pixels = made.ok_or_else(|| {
            let hint = "Choose fewer columns or a smaller zoom";
            Error::shape(
                "picture",
                format!("sides of 1 to {LONGEST} pixels"),
                format!("{width} x {height}"),
                hint,
            )
        })?;
        let RGBColor(r, g, b) = background;
        pixels.fill(tiny_skia::Color::from_rgba8(r, g, b, 255));
        Ok(Canvas { pixels })
    }

    pub(crate) fn width(&self) -> usize {
        self.pixels.width() as usize
    }

    pub(crate) fn height(&self) -> usize {
        self.pixels.height() as usize
    }

    /// The pixels, four bytes each (red, green, blue, 255), row by row.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.pixels.data_mut()
    }

    /// Copies another picture to a place; what does not fit is cut off.
    pub(crate) fn place(&mut self, other: &Canvas, left: usize, top: usize) {
        let (width, height) = (self.width(), self.height());
        let columns = other.width().min(width.saturating_sub(left));
        for y in 0..other.height().min(height.saturating_sub(top)) {
            let from = &other.pixels.data()[y * other.width() * 4..][..columns * 4];
            self.pixels.data_mut()[((top + y) * width + left) * 4..][..columns * 4]
                .copy_from_slice(from);
        }
    }

    /// One line of text, anchored at its left, centre or right, and vertically at its middle.
    pub(crate) fn text(
        &mut self,
        text: &str,
        (x, y): (i32, i32),
        size: f64,
        anchor: HPos,
        color: RGBColor,
    ) -> Result<()> {
        let style = text_style(size, color).pos(Pos::new(anchor, VPos::Center));
        let mut backend = self;
        backend
            .draw_text(text, &style, (x, y))
            .map_err(|error| Error::Plot(error.to_string()))
    }

    /// The PNG file: in one channel where all is grey, which is smaller.
    ///
    /// # Errors
    /// Where memory for it cannot be had.
    pub(crate) fn to_png(&self) -> Result<Vec<u8>> {
        animated_png(std::slice::from_ref(self), 1.0)
    }

    fn is_grey(&self) -> bool {
        self.pixels
            .data()
            .chunks_exact(4)
            .all(|p| p[0] == p[1] && p[1] == p[2])
    }

    /// The bytes of a PNG's pixels, one or three each.
    fn channels(&self, grey: bool) -> Vec<u8> {
        let data = self.pixels.data().chunks_exact(4);
        if grey {
            data.map(|p| p[0]).collect()
        } else {
            data.flat_map(|p| [p[0], p[1], p[2]]).collect()
        }
    }

    fn rectangle(
        &mut self,
        (left, top): (i32, i32),
        (right, bottom): (i32, i32),
        color: BackendColor,
    ) {
        if let Some(rect) = Rect::from_ltrb(left as f32, top as f32, right as f32, bottom as f32) {
            let mut paint = paint(color);
            paint.anti_alias = false;
            self.pixels
                .fill_rect(rect, &paint, Transform::identity(), None);
        }
    }

    fn stroke<S: BackendStyle>(&mut self, path: Option<Path>, style: &S) {
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

/// A PNG file of pictures of one size, which play one after the other where there are several.
///
/// # Errors
/// Where memory for it cannot be had.
pub(crate) fn animated_png(frames: &[Canvas], frames_per_second: f64) -> Result<Vec<u8>> {
    let Some(first) = frames.first() else {
        return Err(Error::shape(
            "animation",
            "at least one picture",
            "none",
            "Choose at least one picture",
        ));
    };
    let grey = frames.iter().all(Canvas::is_grey);
    let failed = |error: png::EncodingError| Error::Plot(format!("cannot encode a PNG: {error}"));
    let mut png = Vec::new();
    let mut encoder = Encoder::new(&mut png, first.pixels.width(), first.pixels.height());
    encoder.set_color(if grey {
        ColorType::Grayscale
    } else {
        ColorType::Rgb
    });
    encoder.set_depth(BitDepth::Eight);
    // Enlarged pixels and flat charts are rows that repeat: the row above says it all, and little effort finds it.
    encoder.set_deflate_compression(DeflateCompression::Level(1));
    encoder.set_filter(Filter::Up);
    if frames.len() > 1 {
        encoder
            .set_animated(frames.len() as u32, 0)
            .map_err(failed)?;
        encoder
            .set_frame_delay((1000.0 / frames_per_second) as u16, 1000)
            .map_err(failed)?;
    }
    let mut writer = encoder.write_header().map_err(failed)?;
    for frame in frames {
        writer
            .write_image_data(&frame.channels(grey))
            .map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    Ok(png)
}

/// What drawing with plotters returns.
pub(crate) type Painted<DB> =
    std::result::Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// A style of the embedded font.
pub(crate) fn text_style(size: f64, color: RGBColor) -> TextStyle<'static> {
    use_embedded_font();
    (FONT, size).into_font().color(&color)
}

/// Width of a line of text, in pixels.
pub(crate) fn text_width(text: &str, size: f64) -> usize {
    let style = text_style(size, LIGHT.ink);
    style
        .font
        .layout_box(text)
        .map_or(0, |((left, _), (right, _))| (right - left).max(0) as usize)
}

fn use_embedded_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for style in [FontStyle::Normal, FontStyle::Bold] {
            // The bytes are part of this crate and were parsed in its tests; a failure would show as missing text.
            let _ = register_font(
                FONT,
                style,
                include_bytes!("../../assets/DejaVuSans-subset.ttf"),
            );
        }
    });
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

/// A path through the middles of pixels.
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

type Drawn = std::result::Result<(), DrawingErrorKind<std::convert::Infallible>>;

impl DrawingBackend for &mut Canvas {
    type ErrorType = std::convert::Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.pixels.width(), self.pixels.height())
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
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
    ) -> Drawn {
        self.stroke(path([from, to], false), style);
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let (left, right) = (from.0.min(to.0), from.0.max(to.0));
        let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
        if fill {
            self.rectangle((left, top), (right + 1, bottom + 1), style.color());
        } else {
            self.stroke(
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
    ) -> Drawn {
        self.stroke(path(points, false), style);
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let circle = PathBuilder::from_circle(x as f32 + 0.5, y as f32 + 0.5, radius as f32);
        if fill {
            self.fill_path(circle, style)
        } else {
            self.stroke(circle, style)
        }
        Ok(())
    }

    /// As plotters' own, but centred text stands with the middle of its figures, not of its line, on the point.
    fn draw_text<T: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &T,
        (x, y): BackendCoord,
    ) -> Drawn {
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
            VPos::Center => -height / 2 + (style.size() * LIFT).round() as i32,
            VPos::Bottom => -height,
        };
        let turned = style.transform();
        let drawn = style.draw(text, (0, 0), |across, down, color| {
            let (across, down) = turned.transform(across + dx - left, down + dy - top);
            self.draw_pixel((x + across, y + down), color)
        });
        drawn.map_err(failed)?
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &S,
    ) -> Drawn {
        self.fill_path(path(points, true), style);
        Ok(())
    }
}
