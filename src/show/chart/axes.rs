//! The two axes of a chart, fitted to its data.

use crate::show::chart::axis::{Axis, AxisScale};
use crate::show::chart::figure::{AxisSettings, Figure};
use crate::show::chart::series::{HeatMap, Point, Shape};
use plotters::chart::ChartContext;
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::DrawingArea;

/// A chart of plotters with these axes.
pub(super) type AxesChart<'a, DB> = ChartContext<'a, DB, Cartesian2d<Axis, Axis>>;

/// The area of a chart inside its axes, in data coordinates.
pub(super) type PlotArea<DB> = DrawingArea<DB, Cartesian2d<Axis, Axis>>;

/// Margins around the data, as fractions of its span.
const POINTS_X_MARGIN: f64 = 0.04;
const Y_MARGIN: f64 = 0.06;

/// The two axes of a chart.
pub(super) struct Axes {
    pub(super) x: Axis,
    pub(super) y: Axis,
}

impl Axes {
    /// Axes that hold all data of the figure, unless it sets their ranges.
    pub(super) fn of(figure: &Figure) -> Self {
        if let Some(heat) = figure.heat_map() {
            return Axes::of_heat_map(figure, heat);
        }
        let points = figure.points();
        Axes {
            x: x_axis(figure, &points),
            y: y_axis(figure, &points),
        }
    }

    /// Rows and columns are equally spaced; the first row is at the top.
    fn of_heat_map(figure: &Figure, heat: &HeatMap) -> Self {
        let (right, bottom) = (heat.columns as f64 - 0.5, heat.rows as f64 - 0.5);
        Axes {
            x: Axis::between(-0.5, right, linear(&figure.x)).integers(true),
            y: Axis::between(bottom, -0.5, linear(&figure.y)).integers(true),
        }
    }

    /// True if both axes can display a position.
    pub(super) fn accept(&self, (x, y): Point) -> bool {
        self.x.accepts(x) && self.y.accepts(y)
    }
}

/// The scale of an axis, linear in place of logarithmic.
fn linear(settings: &AxisSettings) -> AxisScale {
    match &settings.scale {
        AxisScale::Log => AxisScale::Linear,
        scale => scale.clone(),
    }
}

fn x_axis(figure: &Figure, points: &[Point]) -> Axis {
    let settings = &figure.x;
    let scale = settings.scale.clone();
    let mut shapes = figure.series.iter().map(|series| &series.shape);
    let only_lines = shapes
        .clone()
        .all(|shape| matches!(shape, Shape::Line(_) | Shape::Band(_)));
    let margin = if only_lines || shapes.any(Shape::is_filled) {
        0.0
    } else {
        POINTS_X_MARGIN
    };
    let axis = match settings.range {
        Some((low, high)) => Axis::between(low, high, scale),
        None => Axis::fit(points.iter().map(|p| p.0), scale, margin),
    };
    axis.integers(figure.has_lines() && points.iter().all(|p| p.0.fract() == 0.0))
}

fn y_axis(figure: &Figure, points: &[Point]) -> Axis {
    let settings = &figure.y;
    let scale = settings.scale.clone();
    let filled = figure.series.iter().any(|series| series.shape.is_filled());
    let from_zero = filled && scale == AxisScale::Linear && !points.iter().any(|p| p.1 < 0.0);
    match settings.range {
        Some((low, high)) => Axis::between(low, high, scale),
        // Bars start at the bottom of the chart.
        None if from_zero => {
            let finite = points.iter().map(|p| p.1).filter(|v| v.is_finite());
            let high = finite.fold(0.0, f64::max).min(f64::MAX / 4.0);
            let top = if high > 0.0 {
                high * (1.0 + Y_MARGIN)
            } else {
                1.0
            };
            Axis::between(0.0, top, scale)
        }
        None => Axis::fit(points.iter().map(|p| p.1), scale, Y_MARGIN),
    }
}

#[cfg(test)]
mod tests {
    use super::Axes;
    use crate::show::chart::figure::Figure;
    use crate::show::chart::series::{Series, Shape};
    use plotters::coord::ranged1d::Ranged;

    fn axes(shape: Shape) -> Axes {
        Axes::of(&Figure {
            series: vec![Series::new(String::new(), shape)],
            ..Figure::default()
        })
    }

    #[test]
    fn bars_start_at_zero_and_lines_fill_the_width() {
        let bars = axes(Shape::Bars(vec![2.0, 5.0]));
        assert_eq!(bars.y.range(), 0.0..5.0 * 1.06);
        let line = axes(Shape::Line(vec![(1.0, 5.0), (9.0, 6.0)]));
        assert_eq!(line.x.range(), 1.0..9.0);
        assert_eq!(line.y.range(), 4.94..6.06);
    }

    #[test]
    fn points_have_a_margin_on_every_side() {
        let points = axes(Shape::Scatter(vec![(0.0, 0.0), (100.0, 100.0)]));
        assert_eq!(points.x.range(), -4.0..104.0);
        assert_eq!(points.y.range(), -6.0..106.0);
    }
}
