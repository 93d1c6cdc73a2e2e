//! Drawing of heat maps: cells, numbers, and the color bar.

use crate::show::chart::axes::PlotArea;
use crate::show::chart::axis::{Axis, AxisScale};
use crate::show::chart::density::Density;
use crate::show::chart::figure::Figure;
use crate::show::chart::series::HeatMap;
use crate::show::{DrawResult, WARNING, compact, finite_range, sequential, text_style};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Steps of the color bar.
const SHADES: usize = 64;
/// Maximum number of labels at the color bar.
const BAR_TICKS: usize = 5;
const TEXT_SIZE: f64 = 12.0;
/// Numbers on colors above this fraction of the range are dark.
const BRIGHT_ABOVE: f64 = 0.6;
const DARK_INK: RGBColor = RGBColor(30, 30, 30);
const LIGHT_INK: RGBColor = RGBColor(240, 240, 240);

/// The finite range of the values.
#[derive(Clone, Copy)]
struct ValueRange {
    low: f64,
    high: f64,
}

impl ValueRange {
    fn of(heat: &HeatMap) -> Self {
        let (low, high) = finite_range(heat.values.iter().copied());
        if low <= high {
            ValueRange { low, high }
        } else {
            ValueRange {
                low: 0.0,
                high: 1.0,
            }
        }
    }

    /// Position of a value in the range, in [0, 1].
    fn fraction(self, value: f64) -> f64 {
        if self.high > self.low {
            (value - self.low) / (self.high - self.low)
        } else {
            0.5
        }
    }

    fn color(self, value: f64) -> RGBColor {
        if value.is_finite() {
            sequential(self.fraction(value))
        } else {
            WARNING
        }
    }
}

/// Draws the cells and, if the heat map has them, their numbers.
pub(super) fn draw_heat_map<DB: DrawingBackend>(
    area: &PlotArea<DB>,
    heat: &HeatMap,
    density: Density,
) -> DrawResult<DB> {
    let range = ValueRange::of(heat);
    let cells = || {
        heat.values.iter().enumerate().map(move |(i, value)| {
            let (row, column) = (i / heat.columns, i % heat.columns);
            (column as f64, row as f64, *value)
        })
    };
    for (x, y, value) in cells() {
        let corners = [(x - 0.5, y - 0.5), (x + 0.5, y + 0.5)];
        area.draw(&Rectangle::new(corners, range.color(value).filled()))?;
    }
    if !heat.numbers {
        return Ok(());
    }
    for (x, y, value) in cells() {
        let ink = if range.fraction(value) > BRIGHT_ABOVE {
            DARK_INK
        } else {
            LIGHT_INK
        };
        let style =
            text_style(TEXT_SIZE * density.0, ink).pos(Pos::new(HPos::Center, VPos::Center));
        area.draw(&Text::new(compact(value), (x, y), style))?;
    }
    Ok(())
}

/// Draws the color bar beside a heat map. `bottom` is the height of the labels below the chart.
pub(super) fn draw_color_bar<DB: DrawingBackend>(
    figure: &Figure,
    area: &DrawingArea<DB, Shift>,
    heat: &HeatMap,
    bottom: f64,
    density: Density,
) -> DrawResult<DB> {
    let y = bar_axis(ValueRange::of(heat));
    let mut builder = ChartBuilder::on(area);
    builder
        .margin(density.px(12.0))
        .margin_left(0)
        .margin_right(density.px(6.0))
        .margin_bottom(density.px(12.0 + bottom));
    if !figure.title.is_empty() {
        // An empty caption aligns the bar with the chart.
        builder.caption(" ", text_style(16.0 * density.0, figure.theme.ink));
    }
    let x = Axis::between(0.0, 1.0, AxisScale::Linear);
    let mut chart = builder
        .right_y_label_area_size(density.px(48.0))
        .build_cartesian_2d(x, y.clone())?;
    draw_shades(chart.plotting_area(), &y)?;
    let ink = figure.theme.ink;
    chart
        .configure_mesh()
        .disable_mesh()
        .disable_x_axis()
        .y_labels(BAR_TICKS)
        .y_label_formatter(&|v| y.label(*v, BAR_TICKS))
        .axis_style(ink.mix(0.5).stroke_width(density.hairline()))
        .set_all_tick_mark_size(density.px(3.0))
        .label_style(text_style(TEXT_SIZE * density.0, ink))
        .draw()
}

/// The axis of the color bar; that of a constant has a range too.
fn bar_axis(range: ValueRange) -> Axis {
    let ValueRange { low, high } = range;
    let top = if high > low {
        high
    } else {
        low + low.abs().max(1.0)
    };
    Axis::between(low, top, AxisScale::Linear)
}

fn draw_shades<DB: DrawingBackend>(area: &PlotArea<DB>, y: &Axis) -> DrawResult<DB> {
    let range = y.range();
    let edge = |i: usize| range.start + (range.end - range.start) * i as f64 / SHADES as f64;
    for i in 0..SHADES {
        let color = sequential((i as f64 + 0.5) / SHADES as f64);
        let corners = [(0.0, edge(i)), (1.0, edge(i + 1))];
        area.draw(&Rectangle::new(corners, color.filled()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{HeatMap, ValueRange, bar_axis};
    use plotters::prelude::*;

    fn heat_map(values: &[f64]) -> HeatMap {
        HeatMap {
            values: values.to_vec(),
            rows: 1,
            columns: values.len(),
            numbers: false,
        }
    }

    #[test]
    fn colors_span_the_finite_values_and_nan_is_magenta() {
        let range = ValueRange::of(&heat_map(&[-1.0, f64::NAN, 3.0]));
        assert_eq!(range.fraction(1.0), 0.5);
        assert_eq!(range.color(3.0), RGBColor(253, 231, 37));
        assert_eq!(range.color(f64::NAN), RGBColor(255, 0, 255));
    }

    #[test]
    fn the_color_bar_of_a_constant_has_a_range() {
        let constant = ValueRange::of(&heat_map(&[5.0, 5.0]));
        assert_eq!(bar_axis(constant).range(), 5.0..10.0);
        let empty = ValueRange::of(&heat_map(&[f64::NAN]));
        assert_eq!(bar_axis(empty).range(), 0.0..1.0);
    }
}
