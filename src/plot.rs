//! Charts, drawn by plotters into a PNG, with an embedded font: they look the same on a machine without fonts.

use crate::display::{Content, Show, shows_itself};
use crate::error::{Error, Result};
use crate::montage::encode_png;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};
use std::path::Path;
use std::sync::Once;

/// Colours of the series in turn: Okabe and Ito's palette, which colour-blind readers can tell apart.
const PALETTE: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];
const INK: RGBColor = RGBColor(60, 60, 60);
const FONT: &str = "DejaVu Sans";

/// A line chart, built in a chain; it shows itself.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let epochs = [1.0, 2.0, 3.0];
/// let png = Plot::new().title("Loss").line("train", &epochs, &[0.9, 0.5, 0.3])?.x("epoch").to_png()?;
/// assert_eq!(&png[1..4], b"PNG");
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plot {
    title: String,
    x: String,
    y: String,
    size: (u32, u32),
    series: Vec<Series>,
}

#[derive(Clone, Debug)]
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
}

impl Default for Plot {
    fn default() -> Self {
        Plot { title: String::new(), x: String::new(), y: String::new(), size: (640, 360), series: Vec::new() }
    }
}

impl Plot {
    /// An empty chart of 640 x 360 pixels.
    pub fn new() -> Self {
        Plot::default()
    }

    /// The line above the chart.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The name of the horizontal axis.
    pub fn x(mut self, name: impl Into<String>) -> Self {
        self.x = name.into();
        self
    }

    /// The name of the vertical axis.
    pub fn y(mut self, name: impl Into<String>) -> Self {
        self.y = name.into();
        self
    }

    /// Width and height in pixels. Defaults to 640 x 360.
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = (width.max(160), height.max(120));
        self
    }

    /// Adds a line; its name stands in the legend. Values that are not finite leave a gap.
    ///
    /// # Errors
    /// Where `x` and `y` are not of one length.
    pub fn line(mut self, name: impl Into<String>, x: &[f64], y: &[f64]) -> Result<Self> {
        let name = name.into();
        if x.len() != y.len() {
            return Err(Error::shape(
                format!("line {name:?}"),
                format!("as many y as x values, {}", x.len()),
                y.len(),
                "Give both from the same source",
            ));
        }
        self.series.push(Series { name, points: x.iter().copied().zip(y.iter().copied()).collect() });
        Ok(self)
    }

    /// The picture file's bytes.
    ///
    /// # Errors
    /// Where the chart library fails.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        use_embedded_font();
        let (width, height) = self.size;
        let mut rgb = vec![255; (width * height * 3) as usize];
        {
            let root = BitMapBackend::with_buffer(&mut rgb, self.size).into_drawing_area();
            self.draw(&root).map_err(|error| Error::Plot(error.to_string()))?;
        }
        encode_png(&rgb, width as usize, height as usize)
    }

    /// Writes the chart as a PNG file.
    ///
    /// # Errors
    /// Where the file cannot be written; nothing is left half-written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        crate::file::write_atomically(path.as_ref(), &self.to_png()?)
    }

    fn draw<DB: DrawingBackend>(
        &self,
        root: &DrawingArea<DB, plotters::coord::Shift>,
    ) -> std::result::Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
        root.fill(&WHITE)?;
        let finite = || self.series.iter().flat_map(|s| &s.points).filter(|p| p.0.is_finite() && p.1.is_finite());
        let x_range = padded(finite().map(|p| p.0), 0.0);
        let y_range = padded(finite().map(|p| p.1), 0.06);
        let mut chart = ChartBuilder::on(root);
        chart.margin(12).margin_right(24).x_label_area_size(40).y_label_area_size(64);
        if !self.title.is_empty() {
            chart.caption(&self.title, (FONT, 17).into_font().color(&INK));
        }
        let mut chart = chart.build_cartesian_2d(x_range.clone(), y_range.clone())?;
        // Whole numbers, such as epochs, have no labels between them.
        let whole = finite().all(|p| p.0.fract() == 0.0);
        let x_labels = if whole { ((x_range.end - x_range.start) as usize + 1).clamp(2, 10) } else { 10 };
        let digits = decimals(y_range.end - y_range.start);
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(228, 228, 228))
            .axis_style(RGBColor(140, 140, 140))
            .x_desc(&self.x)
            .y_desc(&self.y)
            .x_labels(x_labels)
            .y_labels(6)
            .x_label_formatter(&|v| format!("{}", (v * 1000.0).round() / 1000.0))
            .y_label_formatter(&|v| format!("{v:.digits$}"))
            .label_style((FONT, 13).into_font().color(&INK))
            .axis_desc_style((FONT, 14).into_font().color(&INK))
            .draw()?;
        for (series, colour) in self.series.iter().zip(PALETTE.iter().cycle()) {
            for run in series.points.split(|p| !p.1.is_finite()).filter(|run| !run.is_empty()) {
                chart.draw_series(LineSeries::new(run.iter().copied(), colour.stroke_width(2)))?;
                if run.len() <= 40 {
                    chart.draw_series(run.iter().map(|p| Circle::new(*p, 3, colour.filled())))?;
                }
            }
            // An empty series carries the legend, whatever gaps the line has.
            chart
                .draw_series(LineSeries::new(std::iter::empty(), colour))?
                .label(&series.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
        }
        if self.series.iter().any(|series| !series.name.is_empty()) {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .background_style(WHITE.mix(0.85))
                .border_style(RGBColor(228, 228, 228))
                .label_font((FONT, 13).into_font().color(&INK))
                .draw()?;
        }
        root.present()
    }
}

impl Show for Plot {
    fn contents(&self) -> Result<Vec<Content>> {
        let names: Vec<String> =
            self.series.iter().map(|s| format!("{} ({} points)", s.name, s.points.len())).collect();
        let title = if self.title.is_empty() { "chart" } else { &self.title };
        let text = format!("{title}: {}", names.join(", "));
        Ok(vec![Content::text(text).png(&self.to_png()?, self.size.0 as usize, self.size.1 as usize)])
    }
}
shows_itself!(Plot);

/// The range of the values with a margin on each side, as a share of their span; never empty.
fn padded(values: impl Iterator<Item = f64>, margin: f64) -> std::ops::Range<f64> {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if low > high {
        return 0.0..1.0;
    }
    if high - low <= f64::EPSILON * high.abs().max(low.abs()) {
        let around = if high == 0.0 { 1.0 } else { high.abs() * 0.5 };
        return low - around..high + around;
    }
    let margin = (high - low) * margin;
    low - margin..high + margin
}

/// Decimals that tell the labels of an axis of this length apart.
fn decimals(span: f64) -> usize {
    (1.0 - span.log10().floor()).clamp(0.0, 8.0) as usize
}

fn use_embedded_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for style in [FontStyle::Normal, FontStyle::Bold] {
            // The bytes are part of this crate and were parsed in its tests; a failure would show as missing text.
            let _ = register_font(FONT, style, include_bytes!("../assets/DejaVuSans-subset.ttf"));
        }
    });
}
