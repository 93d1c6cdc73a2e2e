//! Charts: what is on them. How they are drawn is in `chart`, what they hold in `figure`.

use crate::error::{Error, Result};
use crate::file::extension;
use crate::show::chart::axis::{Ticks, short};
use crate::show::chart::draw::{self, Hints};
pub use crate::show::chart::figure::Marker;
use crate::show::chart::figure::{Figure, Series, Shape};
use crate::show::{Canvas, Content, DARK, DENSITY, Show, base64, escape, parse, shows_itself};
use crate::show::{Numbers, finite_range, sparkline};
use candle_core::Tensor;
use std::path::Path;

/// A chart, built in a chain: series first or last, in any order. It shows itself; `show(plot)` gives a handle whose
/// `update` redraws it in place.
///
/// [`Plot::color`], [`Plot::width`], [`Plot::marker`], [`Plot::alpha`] and [`Plot::hover`] change the series added last.
/// What does not fit together is said when the chart is drawn.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let png = Plot::new()
///     .line("train", 1..4, [0.9, 0.5, 0.3])
///     .line("validation", 1..4, [0.8, 0.6, 0.5]).color("orange")
///     .title("Loss").x("epoch")
///     .to_png()?;
/// assert_eq!(&png[1..4], b"PNG");
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Plot {
    figure: Figure,
    /// The first thing that did not fit, in words.
    problem: Option<String>,
}

impl Plot {
    /// An empty chart of 640 x 360 pixels.
    pub fn new() -> Self {
        Plot::default()
    }

    /// The line above the chart.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.figure.title = title.into();
        self
    }

    /// The name of the horizontal axis.
    pub fn x(mut self, name: impl Into<String>) -> Self {
        self.figure.x.name = name.into();
        self
    }

    /// The name of the vertical axis.
    pub fn y(mut self, name: impl Into<String>) -> Self {
        self.figure.y.name = name.into();
        self
    }

    /// The ends of the horizontal axis. What is outside is drawn at the edge. Defaults to what holds all data.
    pub fn x_range(mut self, low: f64, high: f64) -> Self {
        self.note(check_range("x_range", low, high));
        self.figure.x.range = Some((low, high));
        self
    }

    /// The ends of the vertical axis. What is outside is drawn at the edge. Defaults to what holds all data.
    pub fn y_range(mut self, low: f64, high: f64) -> Self {
        self.note(check_range("y_range", low, high));
        self.figure.y.range = Some((low, high));
        self
    }

    /// Equal distances on the horizontal axis stand for equal ratios. Values that are not positive are left out.
    pub fn log_x(mut self) -> Self {
        self.figure.x.ticks = Ticks::Log;
        self
    }

    /// Equal distances on the vertical axis stand for equal ratios. Values that are not positive are left out.
    pub fn log_y(mut self) -> Self {
        self.figure.y.ticks = Ticks::Log;
        self
    }

    /// Width and height on the page, in pixels; files have twice as many in each direction, for sharp screens. Defaults
    /// to 640 x 360.
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.figure.size = (width.clamp(160, 8000), height.clamp(120, 8000));
        self
    }

    /// Whether names of series are listed. Defaults to true; a series without a name is never listed.
    pub fn legend(mut self, on: bool) -> Self {
        self.figure.legend = on;
        self
    }

    /// Light on dark. The default is dark on white, which every page shows as a card of its own.
    pub fn dark(mut self) -> Self {
        self.figure.colors = DARK;
        self
    }

    /// A line through points. Values that are not finite leave a gap.
    pub fn line(self, name: impl Into<String>, x: impl Numbers, y: impl Numbers) -> Self {
        self.pairs("line", name, x, y, Shape::Line)
    }

    /// A mark at each point: circles, if [`Plot::marker`] does not say otherwise.
    pub fn scatter(self, name: impl Into<String>, x: impl Numbers, y: impl Numbers) -> Self {
        self.pairs("scatter", name, x, y, Shape::Scatter)
    }

    /// Points in a series for each different label, in the order of the labels; the legend says which is which.
    pub fn scatter_by<L: ToString>(
        mut self,
        x: impl Numbers,
        y: impl Numbers,
        labels: &[L],
    ) -> Self {
        let points = self.join("scatter_by", "", [("x", &x), ("y", &y)]);
        let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
        self.note(same_length(
            "scatter_by",
            "labels as points",
            points.len(),
            labels.len(),
        ));
        let mut names = labels.clone();
        sort_names(&mut names);
        let n = points.len();
        for name in names {
            let own = points
                .iter()
                .zip(&labels)
                .filter(|(_, label)| **label == name)
                .map(|(p, _)| (p[0], p[1]))
                .collect();
            self = self.push(name, Shape::Scatter(own)).alpha(cloudy(n));
        }
        self
    }

    /// Straight lines from (x0, y0) to (x1, y1).
    pub fn segments(
        mut self,
        name: impl Into<String>,
        x0: impl Numbers,
        y0: impl Numbers,
        x1: impl Numbers,
        y1: impl Numbers,
    ) -> Self {
        let name = name.into();
        let all = self.join(
            "segments",
            &name,
            [("x0", &x0), ("y0", &y0), ("x1", &x1), ("y1", &y1)],
        );
        self.push(name, Shape::Segments(all, false))
    }

    /// Arrows from (x, y) to (x + dx, y + dy): a vector field.
    pub fn quiver(
        mut self,
        name: impl Into<String>,
        x: impl Numbers,
        y: impl Numbers,
        dx: impl Numbers,
        dy: impl Numbers,
    ) -> Self {
        let name = name.into();
        let all = self.join(
            "quiver",
            &name,
            [("x", &x), ("y", &y), ("dx", &dx), ("dy", &dy)],
        );
        let arrows = all
            .iter()
            .map(|[x, y, dx, dy]| [*x, *y, x + dx, y + dy])
            .collect();
        self.push(name, Shape::Segments(arrows, true))
    }

    /// Filled rectangles between the corners (x0, y0) and (x1, y1).
    pub fn quads(
        mut self,
        name: impl Into<String>,
        x0: impl Numbers,
        y0: impl Numbers,
        x1: impl Numbers,
        y1: impl Numbers,
    ) -> Self {
        let name = name.into();
        let all = self.join(
            "quads",
            &name,
            [("x0", &x0), ("y0", &y0), ("x1", &x1), ("y1", &y1)],
        );
        self.push(name, Shape::Quads(all)).alpha(0.7)
    }

    /// A bar for each name below the chart. Several series of bars stand beside each other.
    pub fn bars<S: ToString>(
        mut self,
        name: impl Into<String>,
        names: &[S],
        heights: impl Numbers,
    ) -> Self {
        let name = name.into();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let heights = self.join("bars", &name, [("heights", &heights)]);
        self.note(same_length(
            "bars",
            "heights as names",
            names.len(),
            heights.len(),
        ));
        if let Ticks::Names(known) = &self.figure.x.ticks
            && *known != names
        {
            let (expected, got) = (
                format!("the names of the bars before, {known:?}"),
                format!("{names:?}"),
            );
            self.note(Err(Error::setting(
                "bars",
                expected,
                got,
                "Give all series the same names",
            )));
        }
        self.figure.x.ticks = Ticks::Names(names);
        self.push(name, Shape::Bars(heights.iter().map(|v| v[0]).collect()))
    }

    /// How many values fall into each of `bins` equal parts of their range. Values that are not finite are left out.
    pub fn histogram(mut self, name: impl Into<String>, values: impl Numbers, bins: usize) -> Self {
        let name = name.into();
        let bins = bins.clamp(1, 10_000);
        let all = self.join("histogram", &name, [("values", &values)]);
        let finite: Vec<f64> = all.iter().map(|v| v[0]).filter(|v| v.is_finite()).collect();
        let (low, high) = finite_range(finite.iter().copied());
        let width = if high > low {
            (high - low) / bins as f64
        } else {
            1.0 / bins as f64
        };
        let mut counts = vec![0.0; bins];
        for value in &finite {
            counts[(((value - low) / width) as usize).min(bins - 1)] += 1.0;
        }
        let left = |i: usize| low + i as f64 * width;
        let quads = counts
            .iter()
            .enumerate()
            .map(|(i, &count)| [left(i), 0.0, left(i + 1), count]);
        let quads = if finite.is_empty() {
            Vec::new()
        } else {
            quads.collect()
        };
        self.push(name, Shape::Quads(quads)).alpha(0.7)
    }

    /// The area between two curves, such as a mean plus and minus its spread.
    pub fn band(
        mut self,
        name: impl Into<String>,
        x: impl Numbers,
        low: impl Numbers,
        high: impl Numbers,
    ) -> Self {
        let name = name.into();
        let all = self.join("band", &name, [("x", &x), ("low", &low), ("high", &high)]);
        self.push(name, Shape::Band(all)).alpha(0.25)
    }

    /// Text at points.
    pub fn text<S: ToString>(mut self, x: impl Numbers, y: impl Numbers, texts: &[S]) -> Self {
        let points = self.join("text", "", [("x", &x), ("y", &y)]);
        self.note(same_length(
            "text",
            "texts as points",
            points.len(),
            texts.len(),
        ));
        let all = points
            .iter()
            .zip(texts)
            .map(|(p, text)| (p[0], p[1], text.to_string()))
            .collect();
        self.push(String::new(), Shape::Text(all))
    }

    /// A matrix in colours, its first row above, with a scale beside it. Values that are not finite are magenta.
    ///
    /// # Shapes
    /// `matrix` is (rows, columns).
    pub fn heat_map(mut self, matrix: &Tensor) -> Self {
        let values = matrix.numbers();
        match (matrix.dims(), values) {
            (&[rows, columns], Ok(values)) if rows * columns > 0 => {
                self.heat(values, rows, columns, false)
            }
            (_, Err(error)) => {
                self.note(Err(error));
                self
            }
            (dims, _) => {
                let hint = "Choose a matrix, with .squeeze(0) or .get(0)";
                self.note(Err(Error::shape(
                    "heat_map",
                    "(rows, columns)",
                    format!("{dims:?}"),
                    hint,
                )));
                self
            }
        }
    }

    /// How often each class was taken for each other: rows are the truth, columns what was predicted.
    ///
    /// # Errors
    /// Said when the chart is drawn: different numbers of both, or none.
    pub fn confusion<L: ToString, M: ToString>(truth: &[L], predicted: &[M]) -> Self {
        let mut plot = Plot::new()
            .size(480, 440)
            .title("Confusion matrix")
            .x("predicted")
            .y("truth");
        let truth: Vec<String> = truth.iter().map(ToString::to_string).collect();
        let predicted: Vec<String> = predicted.iter().map(ToString::to_string).collect();
        plot.note(same_length(
            "confusion",
            "predictions as truths",
            truth.len(),
            predicted.len(),
        ));
        let mut names: Vec<String> = truth.iter().chain(&predicted).cloned().collect();
        sort_names(&mut names);
        if names.is_empty() {
            plot.note(Err(Error::shape(
                "confusion",
                "at least one truth",
                "none",
                "Give the labels of both",
            )));
        }
        let class = |name: &String| names.iter().position(|other| other == name).unwrap_or(0);
        let mut counts = vec![0.0; names.len() * names.len()];
        for (truth, predicted) in truth.iter().zip(&predicted) {
            counts[class(truth) * names.len() + class(predicted)] += 1.0;
        }
        let n = names.len();
        plot = plot.heat(counts, n, n, n <= 20);
        plot.figure.x.ticks = Ticks::Names(names.clone());
        plot.figure.y.ticks = Ticks::Names(names);
        plot
    }

    /// The color of the series added last: a name such as "red", or "#ff8932".
    pub fn color(self, color: &str) -> Self {
        let parsed = parse(color);
        let chosen = parsed.as_ref().ok().copied();
        self.change(parsed.map(|_| ()), |series| series.color = chosen)
    }

    /// The width of the lines of the series added last, in pixels. Defaults to 2.
    pub fn width(self, width: f64) -> Self {
        let fits = if (0.1..=100.0).contains(&width) {
            Ok(())
        } else {
            Err(Error::setting(
                "width",
                "0.1 to 100 pixels",
                width,
                "Defaults to 2",
            ))
        };
        self.change(fits, |series| series.width = width)
    }

    /// The form of the points of the series added last. Defaults to circles.
    pub fn marker(self, marker: Marker) -> Self {
        self.change(Ok(()), |series| series.marker = marker)
    }

    /// How opaque the series added last is, in [0, 1].
    pub fn alpha(self, alpha: f64) -> Self {
        let fits = if (0.0..=1.0).contains(&alpha) {
            Ok(())
        } else {
            Err(Error::setting(
                "alpha",
                "0 (not seen) to 1 (opaque)",
                alpha,
                "Defaults to 1",
            ))
        };
        self.change(fits, |series| series.alpha = alpha)
    }

    /// A text for each point of the series added last, which shows under the mouse.
    pub fn hover<S: ToString>(self, texts: &[S]) -> Self {
        let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
        let points = match self.figure.series.last().map(|series| &series.shape) {
            Some(Shape::Line(points) | Shape::Scatter(points)) => points.len(),
            Some(_) => {
                let hint = "Put .hover(...) behind .scatter(...) or .line(...)";
                return self.change(
                    Err(Error::setting(
                        "hover",
                        "a series of points",
                        "another",
                        hint,
                    )),
                    |_| (),
                );
            }
            None => 0,
        };
        self.change(
            same_length("hover", "texts as points", points, texts.len()),
            |series| series.hover = texts,
        )
    }

    /// The picture file's bytes: twice [`Plot::size`] in each direction.
    ///
    /// # Errors
    /// What did not fit together when the chart was built.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        self.draw()?.0.to_png()
    }

    /// The chart as an SVG drawing.
    ///
    /// # Errors
    /// What did not fit together when the chart was built.
    pub fn to_svg(&self) -> Result<String> {
        self.check()?;
        draw::svg(&self.figure)
    }

    /// Writes the chart as a file: PNG, or SVG where the name ends in `.svg`.
    ///
    /// # Errors
    /// Another ending, a file that cannot be written (nothing is left half-written), and what did not fit together.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let ending = extension(path);
        let bytes = match ending.as_str() {
            "png" => self.to_png()?,
            "svg" => self.to_svg()?.into_bytes(),
            _ => {
                return Err(Error::file(
                    path,
                    "the ending .png or .svg",
                    format!("{ending:?}"),
                    "Choose one of the two",
                ));
            }
        };
        crate::file::write_atomically(path, &bytes)
    }

    /// The chart, and where on it its hover texts are.
    pub(crate) fn draw(&self) -> Result<(Canvas, Hints)> {
        self.check()?;
        draw::canvas(&self.figure)
    }

    fn pairs(
        mut self,
        what: &str,
        name: impl Into<String>,
        x: impl Numbers,
        y: impl Numbers,
        shape: fn(Vec<(f64, f64)>) -> Shape,
    ) -> Self {
        let name = name.into();
        let points: Vec<(f64, f64)> = self
            .join(what, &name, [("x", &x), ("y", &y)])
            .into_iter()
            .map(|[x, y]| (x, y))
            .collect();
        let alpha = if what == "scatter" {
            cloudy(points.len())
        } else {
            1.0
        };
        self.push(name, shape(points)).alpha(alpha)
    }

    fn heat(self, values: Vec<f64>, rows: usize, columns: usize, numbers: bool) -> Self {
        self.push(
            String::new(),
            Shape::Heat {
                values,
                rows,
                columns,
                numbers,
            },
        )
    }

    fn push(mut self, name: String, shape: Shape) -> Self {
        let (marker, hover) = (Marker::default(), Vec::new());
        self.figure.series.push(Series {
            name,
            shape,
            color: None,
            width: 2.0,
            marker,
            alpha: 1.0,
            hover,
        });
        self
    }

    fn change(mut self, fits: Result<()>, change: impl FnOnce(&mut Series)) -> Self {
        self.note(fits);
        if self.figure.series.is_empty() {
            self.note(Err(Error::setting(
                "series",
                "one added before it is changed",
                "none",
                "Put .line(...) first",
            )));
        }
        if let Some(series) = self.figure.series.last_mut() {
            change(series);
        }
        self
    }

    /// Rows of one number from each source. Sources of different lengths are noted as the problem of this chart.
    fn join<const N: usize>(
        &mut self,
        what: &str,
        name: &str,
        sources: [(&str, &dyn Numbers); N],
    ) -> Vec<[f64; N]> {
        let mut all = Vec::new();
        for (_, source) in &sources {
            match source.numbers() {
                Ok(numbers) => all.push(numbers),
                Err(error) => {
                    self.note(Err(error));
                    return Vec::new();
                }
            }
        }
        let what = if name.is_empty() {
            what.to_owned()
        } else {
            format!("{what} {name:?}")
        };
        for ((other, _), numbers) in sources.iter().zip(&all).skip(1) {
            let expected = format!("{other} as {} values", sources[0].0);
            self.note(same_length(&what, &expected, all[0].len(), numbers.len()));
        }
        let n = all.iter().map(Vec::len).min().unwrap_or(0);
        (0..n).map(|i| std::array::from_fn(|k| all[k][i])).collect()
    }

    /// Keeps the first problem, to be told when the chart is drawn: a chain of `?` would hide the chart in the code.
    fn note(&mut self, fits: Result<()>) {
        if let (None, Err(error)) = (&self.problem, fits) {
            self.problem = Some(error.to_string());
        }
    }

    fn check(&self) -> Result<()> {
        for (name, side) in [("x_range", &self.figure.x), ("y_range", &self.figure.y)] {
            if let (Ticks::Log, Some((low, high))) = (&side.ticks, side.range)
                && low <= 0.0
            {
                let got = format!("{low}, {high}");
                return Err(Error::setting(
                    name,
                    "positive ends on a log axis",
                    got,
                    "Begin above zero, such as at 0.001",
                ));
            }
        }
        self.problem
            .clone()
            .map_or(Ok(()), |problem| Err(Error::Plot(problem)))
    }

    /// What a reader without pictures needs: each series, its size and range, and what could not be drawn.
    fn describe(&self) -> String {
        let (x, y) = self.figure.axes();
        let mut lines = vec![if self.figure.title.is_empty() {
            "chart".into()
        } else {
            self.figure.title.clone()
        }];
        for series in &self.figure.series {
            let points = series.shape.points();
            let name = if series.name.is_empty() {
                ""
            } else {
                &format!("{}: ", series.name)
            };
            let drawn: Vec<f64> = points
                .iter()
                .filter(|p| x.takes(p.0) && y.takes(p.1))
                .map(|p| p.1)
                .collect();
            let (low, high) = finite_range(drawn.iter().copied());
            let range = if low <= high {
                format!(", {} to {}", short(low), short(high))
            } else {
                String::new()
            };
            let mut line = match &series.shape {
                Shape::Line(_) => format!(
                    "{name}line of {} points{range} {}",
                    points.len(),
                    sparkline(&drawn, 40)
                ),
                Shape::Scatter(_) => format!("{name}{} points{range}", points.len()),
                Shape::Segments(all, true) => format!("{name}{} arrows", all.len()),
                Shape::Segments(all, false) => format!("{name}{} segments", all.len()),
                Shape::Quads(all) => {
                    let heights: Vec<f64> = all.iter().map(|quad| quad[3]).collect();
                    format!(
                        "{name}{} rectangles{range} {}",
                        all.len(),
                        sparkline(&heights, 40)
                    )
                }
                Shape::Bars(heights) => format!(
                    "{name}{} bars{range} {}",
                    heights.len(),
                    sparkline(heights, 40)
                ),
                Shape::Band(all) => format!("{name}band over {} points{range}", all.len()),
                Shape::Text(all) => format!("{} texts", all.len()),
                Shape::Heat { rows, columns, .. } => format!("{name}{rows} x {columns} values"),
            };
            if drawn.len() < points.len() {
                let log = x.takes(-1.0) && y.takes(-1.0);
                let why = if log {
                    "not finite"
                } else {
                    "not finite or, on a log axis, not positive"
                };
                line.push_str(&format!(
                    "; {} values {why}, left out",
                    points.len() - drawn.len()
                ));
            }
            lines.push(line);
        }
        lines.join("\n")
    }
}

/// Each name once: numbers first, in their order, then text.
fn sort_names(names: &mut Vec<String>) {
    names.sort_by(|a, b| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (Ok(_), Err(_)) => std::cmp::Ordering::Less,
        (Err(_), Ok(_)) => std::cmp::Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    });
    names.dedup();
}

/// Many points are drawn lighter, so that crowds show.
fn cloudy(points: usize) -> f64 {
    if points > 200 { 0.6 } else { 1.0 }
}

fn same_length(what: &str, expected: &str, one: usize, other: usize) -> Result<()> {
    if one == other {
        return Ok(());
    }
    let hint = "Give both from the same source";
    Err(Error::shape(
        what,
        format!("as many {expected}, {one}"),
        other,
        hint,
    ))
}

fn check_range(what: &str, low: f64, high: f64) -> Result<()> {
    if low < high && low.is_finite() && high.is_finite() {
        return Ok(());
    }
    Err(Error::setting(
        what,
        "a low and a higher end",
        format!("{low}, {high}"),
        "Put the smaller number first",
    ))
}

impl Show for Plot {
    fn contents(&self) -> Result<Vec<Content>> {
        let (canvas, hints) = self.draw()?;
        let (width, height) = (self.figure.size.0 as usize, self.figure.size.1 as usize);
        let png = canvas.to_png()?;
        let content = Content::text(self.describe()).png(&png, width, height);
        Ok(vec![if hints.is_empty() {
            content
        } else {
            content.html(with_hints(&png, width, &hints))
        }])
    }
}
shows_itself!(Plot);

/// The picture with areas that tell their text under the mouse: plain HTML, no script.
fn with_hints(png: &[u8], width: usize, hints: &[(i32, i32, String)]) -> String {
    let map = format!("candlebook-map-{}", crate::show::new_id());
    let area = |(x, y, text): &(i32, i32, String)| {
        let (x, y, text) = (x / DENSITY as i32, y / DENSITY as i32, escape(text));
        format!(
            "<area shape=\"circle\" coords=\"{x},{y},7\" title=\"{text}\" alt=\"{text}\" nohref>"
        )
    };
    let areas: String = hints.iter().map(area).collect();
    // Jupyter would fit the picture to the page; the areas know one size only.
    let style = format!("width:{width}px;max-width:none");
    let data = base64(png);
    format!(
        "<img style=\"{style}\" usemap=\"#{map}\" src=\"data:image/png;base64,{data}\"><map name=\"{map}\">{areas}</map>"
    )
}

/// Several charts in one picture, in a grid. It shows itself.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let (a, b) = (Plot::new().line("a", 0..3, [1, 2, 3]), Plot::new().histogram("b", [1.0, 2.0, 2.5], 3));
/// Plots::new([a, b]).columns(2).to_png()?;
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plots {
    plots: Vec<Plot>,
    columns: usize,
}

impl Plots {
    /// Charts in rows of two.
    pub fn new(plots: impl IntoIterator<Item = Plot>) -> Self {
        Plots {
            plots: plots.into_iter().collect(),
            columns: 2,
        }
    }

    /// How many charts stand in a row. Defaults to 2.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns.max(1);
        self
    }

    /// The picture file's bytes: twice the size on the page in each direction.
    ///
    /// # Errors
    /// No charts, and what did not fit together in one of them.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        self.draw()?.to_png()
    }

    /// Writes the picture as a PNG file.
    ///
    /// # Errors
    /// Where the file cannot be written; nothing is left half-written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        crate::file::write_atomically(path.as_ref(), &self.to_png()?)
    }

    fn draw(&self) -> Result<Canvas> {
        if self.plots.is_empty() {
            return Err(Error::shape(
                "Plots",
                "at least one chart",
                "none",
                "Give it a list of charts",
            ));
        }
        let drawn = self
            .plots
            .iter()
            .map(|plot| Ok(plot.draw()?.0))
            .collect::<Result<Vec<_>>>()?;
        let columns = self.columns.min(drawn.len());
        let width = drawn.iter().map(Canvas::width).max().unwrap_or(0);
        let height = drawn.iter().map(Canvas::height).max().unwrap_or(0);
        let rows = drawn.len().div_ceil(columns);
        let mut canvas = Canvas::new(
            width * columns,
            height * rows,
            self.plots[0].figure.colors.background,
        )?;
        for (i, chart) in drawn.iter().enumerate() {
            canvas.place(chart, i % columns * width, i / columns * height);
        }
        Ok(canvas)
    }
}

impl Show for Plots {
    fn contents(&self) -> Result<Vec<Content>> {
        let canvas = self.draw()?;
        let text: Vec<String> = self.plots.iter().map(Plot::describe).collect();
        let density = DENSITY as usize;
        Ok(vec![Content::text(text.join("\n")).png(
            &canvas.to_png()?,
            canvas.width() / density,
            canvas.height() / density,
        )])
    }
}
shows_itself!(Plots);
