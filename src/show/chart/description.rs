//! A figure in plain text, for front ends without images.

use crate::show::chart::axes::Axes;
use crate::show::chart::figure::Figure;
use crate::show::chart::series::{Point, Series, Shape};
use crate::show::{compact, finite_range, sparkline, thousands};

/// Maximum width of a curve in characters.
const SPARKLINE_WIDTH: usize = 40;

/// Describes each series: its size, its range, and the values that cannot be drawn.
pub(super) fn describe(figure: &Figure) -> String {
    let axes = Axes::of(figure);
    let title = if figure.title.is_empty() {
        "chart"
    } else {
        &figure.title
    };
    let mut lines = vec![title.to_owned()];
    let series = figure.series.iter();
    lines.extend(series.map(|series| describe_series(series, &axes)));
    lines.join("\n")
}

fn describe_series(series: &Series, axes: &Axes) -> String {
    let points = series.shape.points();
    let drawn: Vec<f64> = points
        .iter()
        .filter(|p| axes.accept(**p))
        .map(|p| p.1)
        .collect();
    let mut line = String::new();
    if !series.name.is_empty() {
        line.push_str(&format!("{}: ", series.name));
    }
    line.push_str(&describe_shape(&series.shape, &points, &drawn));
    let omitted = points.len() - drawn.len();
    if omitted > 0 {
        line.push_str(&format!("; {omitted} values {}, omitted", reason(axes)));
    }
    line
}

fn describe_shape(shape: &Shape, points: &[Point], drawn: &[f64]) -> String {
    let range = y_range(drawn);
    let curve = |values: &[f64]| sparkline(values, SPARKLINE_WIDTH);
    match shape {
        Shape::Line(_) => format!("line of {} points{range} {}", points.len(), curve(drawn)),
        Shape::Scatter(_) => format!("{} points{range}", points.len()),
        Shape::Segments(segments) => format!("{} segments", segments.len()),
        Shape::Arrows(arrows) => format!("{} arrows", arrows.len()),
        Shape::Rectangles(rectangles) => {
            let heights: Vec<f64> = rectangles.iter().map(|r| r.to.1).collect();
            format!("{} rectangles{range} {}", heights.len(), curve(&heights))
        }
        Shape::Histogram(histogram) => {
            let counts: Vec<f64> = histogram.bars.iter().map(|bar| bar.to.1).collect();
            let bins = counts.len();
            let n = thousands(histogram.values.len());
            format!("{n} values in {bins} bins{range} {}", curve(&counts))
        }
        Shape::Bars(heights) => format!("{} bars{range} {}", heights.len(), curve(heights)),
        Shape::Band(_) => format!("band over {} points{range}", points.len() / 2),
        Shape::Texts(texts) => format!("{} texts", texts.len()),
        Shape::Heat(heat) => format!("{} x {} values", heat.rows, heat.columns),
    }
}

fn y_range(drawn: &[f64]) -> String {
    let (low, high) = finite_range(drawn.iter().copied());
    if low <= high {
        format!(", {} to {}", compact(low), compact(high))
    } else {
        String::new()
    }
}

/// The reason why values are omitted.
fn reason(axes: &Axes) -> &'static str {
    if axes.accept((-1.0, -1.0)) {
        "not finite"
    } else {
        "not finite or not positive on a log axis"
    }
}
