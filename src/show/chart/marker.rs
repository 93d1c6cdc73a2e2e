//! Markers of points, in the chart and in its legend.

use crate::show::DrawResult;
use crate::show::chart::density::Density;
use plotters::coord::CoordTranslate;
use plotters::prelude::*;

/// The shape of a point.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// Plot::new().scatter("codes", [0.1, 0.7], [0.4, 0.2]).marker(show::Marker::Triangle);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Marker {
    /// A filled circle.
    #[default]
    Circle,
    /// A filled triangle that points up.
    Triangle,
    /// A filled square.
    Square,
    /// Two crossed lines.
    Cross,
    /// A wide circle line, around a point of another series.
    Ring,
}

/// Sizes of the markers in output pixels.
#[derive(Clone, Copy)]
pub(super) struct MarkerSize {
    radius: i32,
    triangle_radius: i32,
    ring_radius: i32,
    stroke_width: u32,
}

impl MarkerSize {
    /// Size in the chart.
    pub(super) fn chart(density: Density) -> Self {
        let radius = density.px(3.5);
        MarkerSize {
            radius,
            triangle_radius: radius + 1,
            ring_radius: density.px(7.5),
            stroke_width: (1.5 * density.0) as u32,
        }
    }

    /// Size in the legend.
    pub(super) fn legend(density: Density) -> Self {
        MarkerSize {
            radius: density.px(4.0),
            triangle_radius: density.px(5.0),
            ring_radius: density.px(5.0),
            stroke_width: density.px(1.5) as u32,
        }
    }
}

impl Marker {
    /// Draws the marker at a position in the coordinates of the area.
    pub(super) fn draw<DB: DrawingBackend, CT: CoordTranslate>(
        self,
        area: &DrawingArea<DB, CT>,
        position: CT::From,
        size: MarkerSize,
        color: RGBAColor,
    ) -> DrawResult<DB> {
        let r = size.radius;
        match self {
            Marker::Circle => area.draw(&Circle::new(position, r, color.filled())),
            Marker::Triangle => area.draw(&TriangleMarker::new(
                position,
                size.triangle_radius,
                color.filled(),
            )),
            Marker::Square => {
                let square = Rectangle::new([(-r, -r), (r, r)], color.filled());
                area.draw(&(EmptyElement::at(position) + square))
            }
            Marker::Cross => area.draw(&Cross::new(
                position,
                r,
                color.stroke_width(size.stroke_width),
            )),
            Marker::Ring => area.draw(&Circle::new(
                position,
                size.ring_radius,
                color.stroke_width(size.stroke_width),
            )),
        }
    }
}
