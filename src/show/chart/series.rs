//! The series of a chart: the data of lines, points, bars, and so on.

use crate::show::chart::marker::Marker;
use plotters::style::RGBColor;

/// A position in data coordinates.
pub(super) type Point = (f64, f64);

/// Width of the bars at one category, in categories.
pub(super) const BARS_WIDTH: f64 = 0.8;

/// One series of a chart.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// Name in the legend; empty if it has none.
    pub(super) name: String,
    pub(super) shape: Shape,
    /// `None` takes the next color of the palette.
    pub(super) color: Option<RGBColor>,
    /// Line width in pixels on the page.
    pub(super) width: f64,
    pub(super) marker: Marker,
    pub(super) alpha: f64,
    /// One tooltip per point; empty if there are none.
    pub(super) hover: Vec<String>,
}

impl Series {
    /// A series in the default style.
    pub(super) fn new(name: String, shape: Shape) -> Self {
        Series {
            name,
            shape,
            color: None,
            width: 2.0,
            marker: Marker::default(),
            alpha: 1.0,
            hover: Vec::new(),
        }
    }
}

/// The data of a series.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Line(Vec<Point>),
    Scatter(Vec<Point>),
    Segments(Vec<Span>),
    Arrows(Vec<Span>),
    /// Filled rectangles between two corners.
    Rectangles(Vec<Span>),
    Histogram(Histogram),
    /// One height per category of the x axis.
    Bars(Vec<f64>),
    Band(Vec<BandPoint>),
    Texts(Vec<PlacedText>),
    Heat(HeatMap),
}

/// Two positions: the ends of a segment or opposite corners of a rectangle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) from: Point,
    pub(super) to: Point,
}

/// A histogram, whose bars depend on the other histograms of its chart.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    /// Finite values.
    pub(super) values: Vec<f64>,
    /// Number of bins that was asked for.
    pub(super) bins: usize,
    pub(super) bars: Vec<Span>,
}

/// The interval of a band at one x.
#[derive(Clone, Copy, Debug)]
pub(super) struct BandPoint {
    pub(super) x: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Text centered on a position.
#[derive(Clone, Debug)]
pub(super) struct PlacedText {
    pub(super) position: Point,
    pub(super) text: String,
}

/// A matrix in colors, row by row from the top.
#[derive(Clone, Debug)]
pub(super) struct HeatMap {
    pub(super) values: Vec<f64>,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Prints the value of each cell.
    pub(super) numbers: bool,
}

impl Shape {
    /// All positions that the axes must hold.
    pub(super) fn points(&self) -> Vec<Point> {
        match self {
            Shape::Line(points) | Shape::Scatter(points) => points.clone(),
            Shape::Segments(spans) | Shape::Arrows(spans) | Shape::Rectangles(spans) => ends(spans),
            Shape::Histogram(histogram) => ends(&histogram.bars),
            Shape::Bars(heights) => heights
                .iter()
                .enumerate()
                .flat_map(|(i, &y)| [(i as f64, y), (i as f64, 0.0)])
                .collect(),
            Shape::Band(band) => band
                .iter()
                .flat_map(|p| [(p.x, p.low), (p.x, p.high)])
                .collect(),
            Shape::Texts(texts) => texts.iter().map(|text| text.position).collect(),
            Shape::Heat(heat) => {
                let (rows, columns) = (heat.rows as f64, heat.columns as f64);
                vec![(-0.5, -0.5), (columns - 0.5, rows - 0.5)]
            }
        }
    }

    /// True for areas that start at the bottom of the chart.
    pub(super) fn is_filled(&self) -> bool {
        matches!(
            self,
            Shape::Bars(_) | Shape::Rectangles(_) | Shape::Histogram(_)
        )
    }
}

fn ends(spans: &[Span]) -> Vec<Point> {
    spans.iter().flat_map(|span| [span.from, span.to]).collect()
}

#[cfg(test)]
mod tests {
    use super::{HeatMap, Shape};

    #[test]
    fn points_hold_the_extent_of_a_shape() {
        let bars = Shape::Bars(vec![3.0, -1.0]);
        assert_eq!(
            bars.points(),
            [(0.0, 3.0), (0.0, 0.0), (1.0, -1.0), (1.0, 0.0)]
        );
        let heat = Shape::Heat(HeatMap {
            values: vec![0.0; 6],
            rows: 2,
            columns: 3,
            numbers: false,
        });
        assert_eq!(heat.points(), [(-0.5, -0.5), (2.5, 1.5)]);
    }
}
