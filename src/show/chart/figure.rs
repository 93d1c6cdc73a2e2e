//! What is on a chart: its series, and the axes that hold them all.

use crate::show::chart::axis::{Axis, Ticks};
use crate::show::{Colors, LIGHT, PALETTE};
use plotters::style::RGBColor;

/// Everything that a chart shows.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) title: String,
    pub(crate) x: Side,
    pub(crate) y: Side,
    /// On the page, in pixels.
    pub(crate) size: (u32, u32),
    pub(crate) colors: Colors,
    pub(crate) legend: bool,
    pub(crate) series: Vec<Series>,
}

/// One side of the chart, before the data is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Side {
    pub(crate) name: String,
    pub(crate) ticks: Ticks,
    pub(crate) range: Option<(f64, f64)>,
}

/// One thing on the chart.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) color: Option<RGBColor>,
    /// In points: pixels of the page.
    pub(crate) width: f64,
    pub(crate) marker: Marker,
    pub(crate) alpha: f64,
    /// A text for each point, which shows under the mouse.
    pub(crate) hover: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Line(Vec<(f64, f64)>),
    Scatter(Vec<(f64, f64)>),
    /// From (x0, y0) to (x1, y1), with a head or not.
    Segments(Vec<[f64; 4]>, bool),
    /// Filled, between two corners.
    Quads(Vec<[f64; 4]>),
    /// One bar for each name of the x axis.
    Bars(Vec<f64>),
    /// x, low, high.
    Band(Vec<[f64; 3]>),
    Text(Vec<(f64, f64, String)>),
    /// Rows from top to bottom; with the numbers written in or not.
    Heat {
        values: Vec<f64>,
        rows: usize,
        columns: usize,
        numbers: bool,
    },
}

impl Shape {
    /// Corners of everything on it: what the axes must hold.
    pub(crate) fn points(&self) -> Vec<(f64, f64)> {
        match self {
            Shape::Line(points) | Shape::Scatter(points) => points.clone(),
            Shape::Segments(all, _) | Shape::Quads(all) => all
                .iter()
                .flat_map(|[x0, y0, x1, y1]| [(*x0, *y0), (*x1, *y1)])
                .collect(),
            Shape::Bars(heights) => heights
                .iter()
                .enumerate()
                .flat_map(|(i, &y)| [(i as f64, y), (i as f64, 0.0)])
                .collect(),
            Shape::Band(all) => all
                .iter()
                .flat_map(|[x, low, high]| [(*x, *low), (*x, *high)])
                .collect(),
            Shape::Text(all) => all.iter().map(|(x, y, _)| (*x, *y)).collect(),
            Shape::Heat { rows, columns, .. } => {
                vec![(-0.5, -0.5), (*columns as f64 - 0.5, *rows as f64 - 0.5)]
            }
        }
    }
}

/// The form of a point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Marker {
    /// A filled circle.
    #[default]
    Circle,
    /// A filled triangle, the tip above.
    Triangle,
    /// A filled square.
    Square,
    /// Two crossed lines.
    Cross,
}

impl Default for Figure {
    fn default() -> Self {
        Figure {
            title: String::new(),
            x: Side::default(),
            y: Side::default(),
            size: (640, 360),
            colors: LIGHT,
            legend: true,
            series: Vec::new(),
        }
    }
}

impl Figure {
    /// The two axes, now that all data is known.
    pub(crate) fn axes(&self) -> (Axis, Axis) {
        let points: Vec<(f64, f64)> = self
            .series
            .iter()
            .flat_map(|series| series.shape.points())
            .collect();
        let heat = self.series.iter().find_map(|series| match series.shape {
            Shape::Heat { rows, columns, .. } => Some((rows as f64 - 0.5, columns as f64 - 0.5)),
            _ => None,
        });
        let filled = self
            .series
            .iter()
            .any(|series| matches!(series.shape, Shape::Bars(_) | Shape::Quads(_)));
        let only_lines = self
            .series
            .iter()
            .all(|series| matches!(series.shape, Shape::Line(_) | Shape::Band(_)));
        // Rows and columns have equal distances.
        let names = |side: &Side| {
            if side.ticks == Ticks::Log {
                Ticks::Linear
            } else {
                side.ticks.clone()
            }
        };
        if let Some((rows, columns)) = heat {
            return (
                Axis::between(-0.5, columns, names(&self.x)).whole(true),
                Axis::between(rows, -0.5, names(&self.y)).whole(true), // the first row stands above
            );
        }
        let margin = if only_lines || filled { 0.0 } else { 0.04 };
        let x = match self.x.range {
            Some((low, high)) => Axis::between(low, high, self.x.ticks.clone()),
            None => Axis::fit(points.iter().map(|p| p.0), self.x.ticks.clone(), margin),
        };
        let lines = self
            .series
            .iter()
            .any(|series| matches!(series.shape, Shape::Line(_)));
        let x = x.whole(lines && points.iter().all(|p| p.0.fract() == 0.0));
        let y = match self.y.range {
            Some((low, high)) => Axis::between(low, high, self.y.ticks.clone()),
            // Bars stand on the edge of the chart.
            None if filled
                && self.y.ticks == Ticks::Linear
                && !points.iter().any(|p| p.1 < 0.0) =>
            {
                let high = points
                    .iter()
                    .map(|p| p.1)
                    .filter(|v| v.is_finite())
                    .fold(0.0, f64::max)
                    .min(f64::MAX / 4.0);
                Axis::between(
                    0.0,
                    if high > 0.0 { high * 1.06 } else { 1.0 },
                    Ticks::Linear,
                )
            }
            None => Axis::fit(points.iter().map(|p| p.1), self.y.ticks.clone(), 0.06),
        };
        (x, y)
    }

    /// The color of a series: its own, or the next of the palette.
    pub(crate) fn color_of(&self, i: usize) -> RGBColor {
        let chosen =
            |series: &Series| series.color.is_some() || matches!(series.shape, Shape::Text(_));
        let turn = self.series[..i]
            .iter()
            .filter(|series| !chosen(series))
            .count();
        self.series[i].color.unwrap_or(match self.series[i].shape {
            Shape::Text(_) => self.colors.ink,
            _ => PALETTE[turn % PALETTE.len()],
        })
    }
}
