//! The legend of a chart: the names of its series beside their marks.

use crate::show::chart::axes::Axes;
use crate::show::chart::density::Density;
use crate::show::chart::figure::Figure;
use crate::show::chart::marker::MarkerSize;
use crate::show::chart::series::{Point, Series, Shape};
use crate::show::{DrawResult, text_style, text_width};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_backend::BackendCoord;

/// Height of an entry, in pixels on the page.
const ENTRY_HEIGHT: f64 = 19.0;
const TEXT_SIZE: f64 = 13.0;
/// Maximum fraction of the points that a legend inside the chart may hide.
const MAX_HIDDEN: f64 = 0.005;
/// Minimum opacity of a mark.
const MIN_ALPHA: f64 = 0.4;
const CORNERS: [Corner; 4] = [
    Corner::new(true, true),
    Corner::new(false, true),
    Corner::new(true, false),
    Corner::new(false, false),
];

/// Width and height in pixels on the page.
#[derive(Clone, Copy)]
pub(super) struct PageSize {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The legend of a figure and its placement.
pub(super) struct Legend {
    /// Indices of the series with a name.
    series: Vec<usize>,
    size: PageSize,
    /// `None` is beside the chart.
    corner: Option<Corner>,
}

/// A corner of the chart.
#[derive(Clone, Copy)]
struct Corner {
    right: bool,
    top: bool,
}

impl Corner {
    const fn new(right: bool, top: bool) -> Self {
        Corner { right, top }
    }

    /// True if a position is inside a box in this corner; all as fractions of the axes.
    fn covers(self, (x, y): Point, size: PageSize) -> bool {
        let in_width = if self.right {
            x > 1.0 - size.width
        } else {
            x < size.width
        };
        let in_height = if self.top {
            y > 1.0 - size.height
        } else {
            y < size.height
        };
        in_width && in_height
    }
}

impl Legend {
    /// The legend in the corner where it hides the fewest points, or beside a chart of points that
    /// it would hide. `None` if no series has a name. `area` is the size inside the axes.
    pub(super) fn of(figure: &Figure, axes: &Axes, area: PageSize) -> Option<Self> {
        let series: Vec<usize> = (0..figure.series.len())
            .filter(|&i| !figure.series[i].name.is_empty())
            .collect();
        if series.is_empty() || !figure.legend {
            return None;
        }
        let name_width = |i: &usize| text_width(&figure.series[*i].name, TEXT_SIZE);
        let width = series.iter().map(name_width).max().unwrap_or(0);
        let size = PageSize {
            width: width as f64 + 40.0,
            height: ENTRY_HEIGHT * series.len() as f64 + 8.0,
        };
        // Fractions of the axes.
        let covered = PageSize {
            width: (size.width + 8.0) / area.width,
            height: (size.height + 8.0) / area.height,
        };
        Some(Legend {
            series,
            size,
            corner: best_corner(figure, axes, covered),
        })
    }

    /// Width of the legend, if it is beside the chart.
    pub(super) fn width_beside(&self) -> Option<f64> {
        self.corner.is_none().then_some(self.size.width)
    }

    /// Draws the legend on the chart, or on the area beside it.
    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        figure: &Figure,
        area: &DrawingArea<DB, Shift>,
        density: Density,
    ) -> DrawResult<DB> {
        let (width, height) = area.dim_in_pixel();
        let (left, top) = self.origin(figure, width, height, density);
        if self.corner.is_some() {
            self.draw_box(figure, area, (left, top), density)?;
        }
        for (row, &i) in self.series.iter().enumerate() {
            let series = &figure.series[i];
            let height = density.px(ENTRY_HEIGHT);
            let entry = Entry {
                area,
                start: left + density.px(8.0),
                end: left + density.px(26.0),
                middle: top + density.px(4.0) + height * row as i32 + height / 2,
                color: figure.color_of(i).mix(series.alpha.max(MIN_ALPHA)),
                density,
            };
            entry.draw_mark(series)?;
            entry.draw_name(&series.name, figure.theme.ink)?;
        }
        Ok(())
    }

    /// Left upper corner in output pixels.
    fn origin(&self, figure: &Figure, width: u32, height: u32, density: Density) -> BackendCoord {
        let px = |length: f64| density.px(length);
        let Some(corner) = self.corner else {
            let top = if figure.title.is_empty() { 8.0 } else { 36.0 };
            return (0, px(top));
        };
        let left = if corner.right {
            width as i32 - px(self.size.width) - px(8.0)
        } else {
            px(8.0)
        };
        let top = if corner.top {
            px(8.0)
        } else {
            height as i32 - px(self.size.height) - px(8.0)
        };
        (left, top)
    }

    fn draw_box<DB: DrawingBackend>(
        &self,
        figure: &Figure,
        area: &DrawingArea<DB, Shift>,
        (left, top): BackendCoord,
        density: Density,
    ) -> DrawResult<DB> {
        let right = left + density.px(self.size.width);
        let bottom = top + density.px(self.size.height);
        let corners = [(left, top), (right, bottom)];
        let fill = figure.theme.background.mix(0.85).filled();
        area.draw(&Rectangle::new(corners, fill))?;
        let border = figure.theme.grid.stroke_width(density.hairline());
        area.draw(&Rectangle::new(corners, border))
    }
}

/// The corner that hides the fewest points; `None` if it hides too many of a chart without lines.
fn best_corner(figure: &Figure, axes: &Axes, covered: PageSize) -> Option<Corner> {
    let points: Vec<Point> = figure
        .points()
        .into_iter()
        .map(|p| (axes.x.position(p.0), axes.y.position(p.1)))
        .collect();
    let hidden = |corner: Corner| {
        points
            .iter()
            .filter(|p| corner.covers(**p, covered))
            .count()
    };
    let (count, corner) = CORNERS
        .into_iter()
        .map(|corner| (hidden(corner), corner))
        .min_by_key(|(count, _)| *count)?;
    let fits = count as f64 <= MAX_HIDDEN * points.len() as f64
        && covered.width < 0.6
        && covered.height < 0.9;
    // A hidden part of a line costs less than a narrower chart.
    (fits || figure.has_lines()).then_some(corner)
}

/// One entry of a legend, in output pixels.
struct Entry<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    start: i32,
    end: i32,
    middle: i32,
    color: RGBAColor,
    density: Density,
}

impl<DB: DrawingBackend> Entry<'_, DB> {
    fn draw_mark(&self, series: &Series) -> DrawResult<DB> {
        let (start, end, middle) = (self.start, self.end, self.middle);
        match series.shape {
            Shape::Line(_) | Shape::Segments(_) | Shape::Arrows(_) => {
                let stroke = self.color.stroke_width(self.density.px(3.0) as u32);
                let ends = [(start, middle), (end, middle)];
                self.area.draw(&PathElement::new(ends, stroke))
            }
            Shape::Scatter(_) => {
                let center = ((start + end) / 2, middle);
                let size = MarkerSize::legend(self.density);
                series.marker.draw(self.area, center, size, self.color)
            }
            _ => {
                let half = self.density.px(5.0);
                let corners = [(start, middle - half), (end, middle + half)];
                self.area
                    .draw(&Rectangle::new(corners, self.color.filled()))
            }
        }
    }

    fn draw_name(&self, name: &str, ink: RGBColor) -> DrawResult<DB> {
        let style =
            text_style(TEXT_SIZE * self.density.0, ink).pos(Pos::new(HPos::Left, VPos::Center));
        let position = (self.end + self.density.px(6.0), self.middle);
        self.area.draw(&Text::new(name.to_owned(), position, style))
    }
}

#[cfg(test)]
mod tests {
    use super::{Legend, PageSize};
    use crate::show::chart::axes::Axes;
    use crate::show::chart::figure::Figure;
    use crate::show::chart::series::{Point, Series, Shape};

    fn corner(shape: fn(Vec<Point>) -> Shape, points: Vec<Point>) -> Option<(bool, bool)> {
        let figure = Figure {
            series: vec![Series::new("a".into(), shape(points))],
            ..Figure::default()
        };
        let area = PageSize {
            width: 500.0,
            height: 300.0,
        };
        let legend = Legend::of(&figure, &Axes::of(&figure), area);
        legend
            .and_then(|legend| legend.corner)
            .map(|corner| (corner.right, corner.top))
    }

    #[test]
    fn the_legend_is_in_an_empty_corner() {
        let rising = || vec![(0.0, 0.0), (1.0, 1.0)];
        assert_eq!(corner(Shape::Scatter, rising()), Some((false, true)));
        let falling = || vec![(0.0, 1.0), (1.0, 0.0)];
        assert_eq!(corner(Shape::Scatter, falling()), Some((true, true)));
    }

    #[test]
    fn the_legend_is_beside_points_but_never_beside_lines() {
        let everywhere: Vec<Point> = (0..400)
            .map(|i| (f64::from(i % 20), f64::from(i / 20)))
            .collect();
        assert_eq!(corner(Shape::Scatter, everywhere.clone()), None);
        assert!(corner(Shape::Line, everywhere).is_some());
    }
}
