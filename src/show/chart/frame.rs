//! The space around the data of a chart: labels, title, legend and color bar.

use crate::show::chart::axes::Axes;
use crate::show::chart::axis::AxisScale;
use crate::show::chart::density::Density;
use crate::show::chart::figure::Figure;
use crate::show::chart::legend::{Legend, PageSize};
use crate::show::text_width;
use plotters::coord::Shift;
use plotters::prelude::*;

const LABEL_SIZE: f64 = 13.0;
const COLOR_BAR_WIDTH: f64 = 84.0;
/// Maximum number of named ticks on the y axis.
const MAX_Y_CATEGORIES: usize = 40;
/// Maximum fraction of the width for the labels of the y axis.
const MAX_LEFT: f64 = 0.4;
/// Maximum fraction of the width for a legend beside the chart. Long names are clipped, not the
/// chart.
const MAX_SIDE: f64 = 0.5;

/// Sizes of the space around the data, in pixels on the page.
pub(super) struct Frame {
    pub(super) max_x_ticks: usize,
    pub(super) max_y_ticks: usize,
    /// Width of the labels of the y axis.
    pub(super) left: f64,
    /// Height of the labels of the x axis.
    pub(super) bottom: f64,
    pub(super) legend: Option<Legend>,
    /// Width of the color bar or legend beside the chart.
    pub(super) side_width: Option<f64>,
}

impl Frame {
    pub(super) fn of(figure: &Figure, axes: &Axes) -> Self {
        let (width, height) = (f64::from(figure.size.0), f64::from(figure.size.1));
        let max_y_ticks = max_y_ticks(figure);
        let left = left_width(figure, axes, max_y_ticks).min(width * MAX_LEFT);
        let bottom = if figure.x.label.is_empty() {
            24.0
        } else {
            42.0
        };
        let top = if figure.title.is_empty() { 12.0 } else { 40.0 };
        let area = PageSize {
            width: width - left - 32.0,
            height: height - bottom - top - 12.0,
        };
        let legend = Legend::of(figure, axes, area);
        let side_width = if figure.heat_map().is_some() {
            Some(COLOR_BAR_WIDTH)
        } else {
            legend.as_ref().and_then(Legend::width_beside)
        };
        Frame {
            max_x_ticks: max_x_ticks(figure),
            max_y_ticks,
            left,
            bottom,
            legend,
            side_width: side_width.map(|side: f64| side.min(width * MAX_SIDE)),
        }
    }

    /// Splits the image into the chart and the area beside it.
    pub(super) fn split<DB: DrawingBackend>(
        &self,
        root: &DrawingArea<DB, Shift>,
        density: Density,
    ) -> (DrawingArea<DB, Shift>, Option<DrawingArea<DB, Shift>>) {
        let Some(side_width) = self.side_width else {
            return (root.clone(), None);
        };
        let width = root.dim_in_pixel().0 as i32;
        let (main, side) = root.split_horizontally(width - density.px(side_width));
        (main, Some(side))
    }
}

fn max_x_ticks(figure: &Figure) -> usize {
    let width = figure.size.0;
    match &figure.x.scale {
        AxisScale::Categories(names) => {
            let widths = names.iter().map(|name| text_width(name, LABEL_SIZE));
            (width as usize / (widths.max().unwrap_or(0) + 10)).max(1)
        }
        AxisScale::Linear | AxisScale::Log => (f64::from(width) / 75.0) as usize,
    }
}

fn max_y_ticks(figure: &Figure) -> usize {
    match figure.y.scale {
        AxisScale::Categories(_) => MAX_Y_CATEGORIES,
        AxisScale::Linear | AxisScale::Log => (figure.size.1 / 55).max(2) as usize,
    }
}

fn left_width(figure: &Figure, axes: &Axes, max_ticks: usize) -> f64 {
    let ticks = axes.y.ticks(max_ticks).into_iter();
    let widths = ticks.map(|v| text_width(&axes.y.label(v, max_ticks), LABEL_SIZE));
    let axis_label = if figure.y.label.is_empty() {
        16.0
    } else {
        38.0
    };
    widths.max().unwrap_or(0) as f64 + axis_label
}

#[cfg(test)]
mod tests {
    use super::Frame;
    use crate::show::chart::axes::Axes;
    use crate::show::chart::figure::Figure;

    fn frame(figure: &Figure) -> Frame {
        Frame::of(figure, &Axes::of(figure))
    }

    #[test]
    fn axis_labels_take_space_and_small_charts_have_fewer_ticks() {
        let mut figure = Figure::default();
        let plain = frame(&figure);
        figure.x.label = "epoch".into();
        figure.y.label = "loss".into();
        let labeled = frame(&figure);
        assert_eq!(labeled.bottom - plain.bottom, 18.0);
        assert_eq!(labeled.left - plain.left, 22.0);
        figure.size = (160, 120);
        assert_eq!((plain.max_x_ticks, plain.max_y_ticks), (8, 6));
        let small = frame(&figure);
        assert_eq!((small.max_x_ticks, small.max_y_ticks), (2, 2));
    }
}
