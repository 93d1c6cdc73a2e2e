//! The content of a chart, independent of how it is drawn.

use crate::show::chart::axis::AxisScale;
use crate::show::chart::series::{HeatMap, Point, Series, Shape};
use crate::show::{LIGHT, PALETTE, Theme};
use plotters::style::RGBColor;

/// Everything that a chart shows.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    pub(super) title: String,
    pub(super) x: AxisSettings,
    pub(super) y: AxisSettings,
    /// Width and height in pixels on the page.
    pub(super) size: (u32, u32),
    pub(super) theme: Theme,
    pub(super) legend: bool,
    pub(super) series: Vec<Series>,
}

/// Settings of one axis.
#[derive(Clone, Debug, Default)]
pub(super) struct AxisSettings {
    pub(super) label: String,
    pub(super) scale: AxisScale,
    /// `None` fits the data.
    pub(super) range: Option<(f64, f64)>,
}

/// The position of a bar series among those of the chart.
pub(super) struct BarGroup {
    pub(super) index: usize,
    pub(super) count: usize,
}

impl Default for Figure {
    fn default() -> Self {
        Figure {
            title: String::new(),
            x: AxisSettings::default(),
            y: AxisSettings::default(),
            size: (640, 360),
            theme: LIGHT,
            legend: true,
            series: Vec::new(),
        }
    }
}

impl Figure {
    /// The first heat map.
    pub(super) fn heat_map(&self) -> Option<&HeatMap> {
        self.series.iter().find_map(|series| match &series.shape {
            Shape::Heat(heat) => Some(heat),
            _ => None,
        })
    }

    /// All positions of all series.
    pub(super) fn points(&self) -> Vec<Point> {
        let points = self.series.iter().map(|series| series.shape.points());
        points.flatten().collect()
    }

    /// True if a series is a line.
    pub(super) fn has_lines(&self) -> bool {
        let mut shapes = self.series.iter().map(|series| &series.shape);
        shapes.any(|shape| matches!(shape, Shape::Line(_)))
    }

    /// The position of series `i` among the bar series.
    pub(super) fn bar_group(&self, i: usize) -> BarGroup {
        let count = |series: &[Series]| {
            let bars = series.iter().filter(|s| matches!(s.shape, Shape::Bars(_)));
            bars.count()
        };
        BarGroup {
            index: count(&self.series[..i]),
            count: count(&self.series),
        }
    }

    /// The color of series `i`: its own, or the next of the palette.
    pub(super) fn color_of(&self, i: usize) -> RGBColor {
        let takes_palette =
            |series: &&Series| series.color.is_none() && !matches!(series.shape, Shape::Texts(_));
        let index = self.series[..i].iter().filter(takes_palette).count();
        let series = &self.series[i];
        series.color.unwrap_or(match series.shape {
            Shape::Texts(_) => self.theme.ink,
            _ => PALETTE[index % PALETTE.len()],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Figure;
    use crate::show::PALETTE;
    use crate::show::chart::series::{Series, Shape};

    #[test]
    fn series_without_a_color_take_the_next_of_the_palette() {
        let series = |shape| Series::new(String::new(), shape);
        let mut colored = series(Shape::Line(Vec::new()));
        colored.color = Some(PALETTE[7]);
        let figure = Figure {
            series: vec![
                series(Shape::Line(Vec::new())),
                colored,
                series(Shape::Texts(Vec::new())),
                series(Shape::Bars(Vec::new())),
            ],
            ..Figure::default()
        };
        let colors: Vec<_> = (0..4).map(|i| figure.color_of(i)).collect();
        assert_eq!(
            colors,
            [PALETTE[0], PALETTE[7], figure.theme.ink, PALETTE[1]]
        );
    }
}
