//! Drawing of the series of a chart.

use crate::show::chart::axes::{Axes, PlotArea};
use crate::show::chart::density::Density;
use crate::show::chart::downsample::downsample;
use crate::show::chart::figure::{BarGroup, Figure};
use crate::show::chart::heat_map::draw_heat_map;
use crate::show::chart::marker::{Marker, MarkerSize};
use crate::show::chart::series::{BARS_WIDTH, BandPoint, PlacedText, Point, Shape, Span};
use crate::show::{DrawResult, text_style};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Maximum number of points of a line with markers.
const MAX_LINE_MARKERS: usize = 40;
/// Length of an arrow head in pixels on the page, and its maximum as a fraction of the arrow.
const HEAD_LENGTH: f64 = 8.0;
const MAX_HEAD: f64 = 0.6;
const TEXT_SIZE: f64 = 13.0;

/// Draws series `i` of a figure.
pub(super) fn draw_series<DB: DrawingBackend>(
    area: &PlotArea<DB>,
    figure: &Figure,
    i: usize,
    axes: &Axes,
    density: Density,
) -> DrawResult<DB> {
    let series = &figure.series[i];
    let color = figure.color_of(i).mix(series.alpha);
    let painter = Painter {
        area,
        axes,
        density,
        color,
        stroke: color.stroke_width((series.width * density.0).round().max(1.0) as u32),
        marker: series.marker,
    };
    match &series.shape {
        Shape::Line(points) => painter.line(points),
        Shape::Scatter(points) => painter.markers(points),
        Shape::Segments(segments) => painter.segments(segments),
        Shape::Arrows(arrows) => painter.arrows(arrows),
        Shape::Rectangles(rectangles) => painter.rectangles(rectangles),
        Shape::Histogram(histogram) => painter.histogram(&histogram.bars),
        Shape::Bars(heights) => painter.bars(heights, &figure.bar_group(i)),
        Shape::Band(band) => painter.band(band),
        Shape::Texts(texts) => painter.texts(texts, figure.color_of(i)),
        Shape::Heat(heat) => draw_heat_map(area, heat, density),
    }
}

/// Draws shapes in the style of one series.
struct Painter<'a, DB: DrawingBackend> {
    area: &'a PlotArea<DB>,
    axes: &'a Axes,
    density: Density,
    color: RGBAColor,
    stroke: ShapeStyle,
    marker: Marker,
}

impl<DB: DrawingBackend> Painter<'_, DB> {
    /// A line with gaps at points that the axes cannot display.
    fn line(&self, points: &[Point]) -> DrawResult<DB> {
        let columns = self.area.dim_in_pixel().0 as usize;
        let parts = points.split(|p| !self.axes.accept(*p));
        for part in parts.filter(|part| !part.is_empty()) {
            let path = downsample(part, &self.axes.x, columns);
            self.area.draw(&PathElement::new(path, self.stroke))?;
        }
        if points.len() <= MAX_LINE_MARKERS {
            self.markers(points)?;
        }
        Ok(())
    }

    fn markers(&self, points: &[Point]) -> DrawResult<DB> {
        let size = MarkerSize::chart(self.density);
        for point in points.iter().filter(|p| self.axes.accept(**p)) {
            self.marker.draw(self.area, *point, size, self.color)?;
        }
        Ok(())
    }

    fn segments(&self, segments: &[Span]) -> DrawResult<DB> {
        for segment in self.accepted(segments) {
            self.segment(segment)?;
        }
        Ok(())
    }

    fn arrows(&self, arrows: &[Span]) -> DrawResult<DB> {
        for arrow in self.accepted(arrows) {
            self.segment(arrow)?;
            self.arrow_head(arrow)?;
        }
        Ok(())
    }

    fn accepted<'s>(&self, spans: &'s [Span]) -> impl Iterator<Item = &'s Span> {
        let accepted = |span: &&Span| self.axes.accept(span.from) && self.axes.accept(span.to);
        spans.iter().filter(accepted)
    }

    fn segment(&self, segment: &Span) -> DrawResult<DB> {
        let ends = [segment.from, segment.to];
        self.area.draw(&PathElement::new(ends, self.stroke))
    }

    /// A filled triangle whose size in pixels does not depend on the scales of the axes.
    fn arrow_head(&self, arrow: &Span) -> DrawResult<DB> {
        let (x0, y0) = self.area.map_coordinate(&arrow.from);
        let (x1, y1) = self.area.map_coordinate(&arrow.to);
        let (dx, dy) = (f64::from(x1 - x0), f64::from(y1 - y0));
        let length = dx.hypot(dy);
        if length < 1.0 {
            return Ok(());
        }
        let size = (HEAD_LENGTH * self.density.0).min(length * MAX_HEAD);
        let (ux, uy) = (dx / length * size, dy / length * size);
        let corner = |back: f64, aside: f64| {
            (
                (-back * ux - aside * uy) as i32,
                (-back * uy + aside * ux) as i32,
            )
        };
        let corners = vec![(0, 0), corner(1.0, 0.5), corner(1.0, -0.5)];
        let head = Polygon::new(corners, self.color.filled());
        self.area.draw(&(EmptyElement::at(arrow.to) + head))
    }

    fn rectangles(&self, rectangles: &[Span]) -> DrawResult<DB> {
        for Span { from, to } in rectangles {
            let (low, high) = (from.1.min(to.1), from.1.max(to.1));
            // On a log axis a rectangle may start at zero: it is drawn from the edge.
            let accepted = self.axes.accept((from.0, high))
                && self.axes.accept((to.0, high))
                && low.is_finite();
            if accepted {
                let rectangle = Rectangle::new([*from, *to], self.color.filled());
                self.area.draw(&rectangle)?;
            }
        }
        Ok(())
    }

    /// Bars of empty bins would be lines that hide other histograms.
    fn histogram(&self, bars: &[Span]) -> DrawResult<DB> {
        let filled: Vec<Span> = bars.iter().copied().filter(|bar| bar.to.1 > 0.0).collect();
        self.rectangles(&filled)
    }

    fn bars(&self, heights: &[f64], group: &BarGroup) -> DrawResult<DB> {
        let width = BARS_WIDTH / group.count as f64;
        for (i, height) in heights.iter().enumerate() {
            if height.is_finite() {
                let left = i as f64 - BARS_WIDTH / 2.0 + group.index as f64 * width;
                let corners = [(left, 0.0), (left + width, *height)];
                self.area
                    .draw(&Rectangle::new(corners, self.color.filled()))?;
            }
        }
        Ok(())
    }

    fn band(&self, band: &[BandPoint]) -> DrawResult<DB> {
        let accepted =
            |p: &&BandPoint| self.axes.accept((p.x, p.low)) && self.axes.accept((p.x, p.high));
        let band: Vec<&BandPoint> = band.iter().filter(accepted).collect();
        let upper = band.iter().map(|p| (p.x, p.high));
        let lower = band.iter().rev().map(|p| (p.x, p.low));
        let outline: Vec<Point> = upper.chain(lower).collect();
        self.area.draw(&Polygon::new(outline, self.color.filled()))
    }

    fn texts(&self, texts: &[PlacedText], color: RGBColor) -> DrawResult<DB> {
        let style =
            text_style(TEXT_SIZE * self.density.0, color).pos(Pos::new(HPos::Center, VPos::Center));
        for text in texts.iter().filter(|text| self.axes.accept(text.position)) {
            self.area
                .draw(&Text::new(text.text.clone(), text.position, style.clone()))?;
        }
        Ok(())
    }
}
