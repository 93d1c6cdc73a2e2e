//! The chart builder: title, axes, size, and output as PNG or SVG.

use crate::error::{Error, Result};
use crate::file::extension;
use crate::show::chart::axis::AxisScale;
use crate::show::chart::checks::{check_log_range, check_range, expect_one_each};
use crate::show::chart::description::describe;
use crate::show::chart::drawing::{Drawing, draw_canvas, draw_svg};
use crate::show::chart::figure::Figure;
use crate::show::chart::series::{Series, Shape};
use crate::show::chart::tooltips::image_map;
use crate::show::{Canvas, Content, DARK, Numbers, Show, evcxr_display};
use std::path::Path;

/// A chart, built as a chain of series and settings in any order. `show(plot)` returns a handle
/// whose `update` redraws it in place.
///
/// [`Plot::color`], [`Plot::width`], [`Plot::marker`], [`Plot::alpha`] and [`Plot::hover`] style
/// the series added last. Invalid data and settings are reported when the chart is drawn.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let png = Plot::new()
///     .line("train", 1..4, [0.9, 0.5, 0.3])
///     .line("validation", 1..4, [0.8, 0.6, 0.5]).color("orange")
///     .title("Loss").x_label("epoch")
///     .to_png()?;
/// assert_eq!(&png[1..4], b"PNG");
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Plot {
    pub(super) figure: Figure,
    /// The message of the first error.
    problem: Option<String>,
}

/// A named argument of a series method.
pub(super) struct Column<'a> {
    name: &'static str,
    values: &'a dyn Numbers,
}

/// A named argument of a series method.
pub(super) fn column<'a>(name: &'static str, values: &'a dyn Numbers) -> Column<'a> {
    Column { name, values }
}

/// The name of a series method and of its series, for error messages.
pub(super) fn context(method: &str, name: &str) -> String {
    if name.is_empty() {
        method.to_owned()
    } else {
        format!("{method} {name:?}")
    }
}

impl Plot {
    /// An empty chart of 640 x 360 pixels.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]));
    /// ```
    pub fn new() -> Self {
        Plot::default()
    }

    /// Sets the title above the chart.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).title("Loss"));
    /// ```
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.figure.title = title.into();
        self
    }

    /// Sets the label of the x axis.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).x_label("epoch"));
    /// ```
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.figure.x.label = label.into();
        self
    }

    /// Sets the label of the y axis.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).y_label("loss"));
    /// ```
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.figure.y.label = label.into();
        self
    }

    /// Sets the ends of the x axis. Data outside is drawn at the edge. Defaults to the range of the
    /// data.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).x_range(0.0, 10.0));
    /// ```
    pub fn x_range(mut self, low: f64, high: f64) -> Self {
        self.check(check_range("x_range", low, high));
        self.figure.x.range = Some((low, high));
        self
    }

    /// Sets the ends of the y axis. Data outside is drawn at the edge. Defaults to the range of the
    /// data.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).y_range(0.0, 1.0));
    /// ```
    pub fn y_range(mut self, low: f64, high: f64) -> Self {
        self.check(check_range("y_range", low, high));
        self.figure.y.range = Some((low, high));
        self
    }

    /// Makes the x axis logarithmic. Values that are not positive are omitted.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).log_x());
    /// ```
    pub fn log_x(mut self) -> Self {
        self.figure.x.scale = AxisScale::Log;
        self
    }

    /// Makes the y axis logarithmic. Values that are not positive are omitted.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).log_y());
    /// ```
    pub fn log_y(mut self) -> Self {
        self.figure.y.scale = AxisScale::Log;
        self
    }

    /// Sets width and height on the page, in pixels. Files have twice the resolution in each
    /// direction, for sharp screens. Defaults to 640 x 360.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).size(400, 280));
    /// ```
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.figure.size = (width.clamp(160, 8000), height.clamp(120, 8000));
        self
    }

    /// Shows or hides the legend, which lists the series with a name. Defaults to true.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).legend(false));
    /// ```
    pub fn legend(mut self, on: bool) -> Self {
        self.figure.legend = on;
        self
    }

    /// Draws light on dark. The default is dark on white.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).dark());
    /// ```
    pub fn dark(mut self) -> Self {
        self.figure.theme = DARK;
        self
    }

    /// The PNG file as bytes, with twice the resolution of [`Plot::size`] in each direction.
    ///
    /// # Errors
    /// If the chart was built from invalid data or settings.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert!(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).to_png()?.starts_with(b"\x89PNG"));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn to_png(&self) -> Result<Vec<u8>> {
        self.canvas()?.to_png()
    }

    /// The chart as SVG.
    ///
    /// # Errors
    /// If the chart was built from invalid data or settings.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert!(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).to_svg()?.contains("<svg"));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn to_svg(&self) -> Result<String> {
        self.validate()?;
        draw_svg(&self.figure)
    }

    /// Writes the chart atomically, as PNG or SVG by the file's extension.
    ///
    /// # Errors
    /// If the extension is another, the file cannot be written, or the chart was built from invalid
    /// data or settings.
    ///
    /// # Examples
    /// ```no_run
    /// use candlebook::prelude::*;
    /// Plot::new().line("loss", 1..4, [0.9, 0.5, 0.3]).save("loss.svg")?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let extension = extension(path);
        let bytes = match extension.as_str() {
            "png" => self.to_png()?,
            "svg" => self.to_svg()?.into_bytes(),
            _ => {
                return Err(Error::file(
                    path,
                    "the extension .png or .svg",
                    format!("{extension:?}"),
                    "Choose one of the two",
                ));
            }
        };
        crate::file::write_atomically(path, &bytes)
    }

    /// The chart as an image, with twice the resolution of [`Plot::size`].
    pub(crate) fn canvas(&self) -> Result<Canvas> {
        Ok(self.draw()?.canvas)
    }

    fn draw(&self) -> Result<Drawing> {
        self.validate()?;
        draw_canvas(&self.figure)
    }

    /// Adds a series with one element for each row of the columns.
    pub(super) fn rows<T, const N: usize>(
        mut self,
        method: &str,
        name: impl Into<String>,
        columns: [Column; N],
        element: fn([f64; N]) -> T,
        shape: fn(Vec<T>) -> Shape,
    ) -> Self {
        let name = name.into();
        let rows = self.join(method, &name, columns);
        self.push(name, shape(rows.into_iter().map(element).collect()))
    }

    /// Joins columns into rows. Columns of different lengths are an error of the chart.
    pub(super) fn join<const N: usize>(
        &mut self,
        method: &str,
        name: &str,
        columns: [Column; N],
    ) -> Vec<[f64; N]> {
        let numbers: Result<Vec<Vec<f64>>> = columns
            .iter()
            .map(|column| column.values.numbers())
            .collect();
        let numbers = match numbers {
            Ok(numbers) => numbers,
            Err(error) => {
                self.check(Err(error));
                return Vec::new();
            }
        };
        for (column, values) in columns.iter().zip(&numbers).skip(1) {
            self.check(expect_one_each(
                &context(method, name),
                &format!("{} values", column.name),
                &format!("{} value", columns[0].name),
                numbers[0].len(),
                values.len(),
            ));
        }
        let n = numbers.iter().map(Vec::len).min().unwrap_or(0);
        (0..n)
            .map(|i| std::array::from_fn(|k| numbers[k][i]))
            .collect()
    }

    /// Adds a series in the default style.
    pub(super) fn push(mut self, name: String, shape: Shape) -> Self {
        self.figure.series.push(Series::new(name, shape));
        self
    }

    /// Keeps the first error until the chart is drawn: builder methods return no `Result`, which
    /// keeps chains free of `?`.
    pub(super) fn check(&mut self, check: Result<()>) {
        if let (None, Err(error)) = (&self.problem, check) {
            self.problem = Some(error.to_string());
        }
    }

    fn validate(&self) -> Result<()> {
        check_log_range("x_range", &self.figure.x)?;
        check_log_range("y_range", &self.figure.y)?;
        match &self.problem {
            Some(problem) => Err(Error::Plot(problem.clone())),
            None => Ok(()),
        }
    }
}

impl Show for Plot {
    fn contents(&self) -> Result<Vec<Content>> {
        let drawing = self.draw()?;
        let (width, height) = (self.figure.size.0 as usize, self.figure.size.1 as usize);
        let png = drawing.canvas.to_png()?;
        let content = Content::text(describe(&self.figure)).png(&png, width, height);
        if drawing.tooltips.is_empty() {
            return Ok(vec![content]);
        }
        let html = image_map(&png, width, &drawing.tooltips);
        Ok(vec![content.html(html)])
    }
}
evcxr_display!(Plot);
