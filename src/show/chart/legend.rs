//! Which series is which: the names beside their marks.

use crate::show::chart::axis::Axis;
use crate::show::chart::figure::{Figure, Marker, Shape};
use crate::show::{Painted, text_style, text_width};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Height of a line of the legend, in pixels of the page.
const LINE: f64 = 19.0;
/// A legend that would hide more than this share of the points stands beside the chart.
const HIDDEN: f64 = 0.005;

/// The legend of a figure and where it stands.
pub(crate) struct Legend {
    /// The series that have names.
    named: Vec<usize>,
    /// In pixels of the page.
    wide: f64,
    tall: f64,
    /// Right or left, top or bottom; none where it stands beside the chart.
    corner: Option<(bool, bool)>,
}

impl Legend {
    /// The legend in the corner where it hides the fewest points, of a chart area of this size in pixels of the page. None
    /// where there is nothing to tell.
    pub(crate) fn of(
        figure: &Figure,
        (x, y): (&Axis, &Axis),
        (width, height): (f64, f64),
    ) -> Option<Self> {
        let named: Vec<usize> = (0..figure.series.len())
            .filter(|&i| !figure.series[i].name.is_empty())
            .collect();
        if named.is_empty() || !figure.legend {
            return None;
        }
        let widest = named
            .iter()
            .map(|&i| text_width(&figure.series[i].name, 13.0))
            .max()
            .unwrap_or(0);
        let (wide, tall) = (widest as f64 + 40.0, LINE * named.len() as f64 + 8.0);
        let share = ((wide + 8.0) / width, (tall + 8.0) / height);
        let places: Vec<(f64, f64)> = figure
            .series
            .iter()
            .flat_map(|series| series.shape.points())
            .map(|p| (x.place(p.0), y.place(p.1)))
            .collect();
        let hidden = |(right, top): (bool, bool)| {
            let inside = |(left, up): &&(f64, f64)| {
                (if right {
                    *left > 1.0 - share.0
                } else {
                    *left < share.0
                }) && (if top {
                    *up > 1.0 - share.1
                } else {
                    *up < share.1
                })
            };
            places.iter().filter(inside).count()
        };
        let corners = [(true, true), (false, true), (true, false), (false, false)];
        let best = corners
            .into_iter()
            .map(|corner| (hidden(corner), corner))
            .min_by_key(|(count, _)| *count);
        let (count, corner) = best?;
        let fits = count as f64 <= HIDDEN * places.len() as f64 && share.0 < 0.6 && share.1 < 0.9;
        // A chart of lines keeps its width: a corner of a line is no loss.
        let lines = figure
            .series
            .iter()
            .any(|series| matches!(series.shape, Shape::Line(_)));
        Some(Legend {
            named,
            wide,
            tall,
            corner: (fits || lines).then_some(corner),
        })
    }

    /// How much room it needs beside the chart, in pixels of the page.
    pub(crate) fn beside(&self) -> Option<f64> {
        self.corner.is_none().then_some(self.wide)
    }

    /// Draws it on the area of the chart, or on what was set aside.
    pub(crate) fn draw<DB: DrawingBackend>(
        &self,
        figure: &Figure,
        area: &DrawingArea<DB, Shift>,
        density: f64,
    ) -> Painted<DB> {
        let (width, height) = area.dim_in_pixel();
        let px = |points: f64| (points * density).round() as i32;
        let (wide, tall, line) = (px(self.wide), px(self.tall), px(LINE));
        let (left, up) = match self.corner {
            Some((right, top)) => (
                if right {
                    width as i32 - wide - px(8.0)
                } else {
                    px(8.0)
                },
                if top {
                    px(8.0)
                } else {
                    height as i32 - tall - px(8.0)
                },
            ),
            None => (0, px(if figure.title.is_empty() { 8.0 } else { 36.0 })),
        };
        if self.corner.is_some() {
            let corners = [(left, up), (left + wide, up + tall)];
            area.draw(&Rectangle::new(
                corners,
                figure.colors.background.mix(0.85).filled(),
            ))?;
            area.draw(&Rectangle::new(
                corners,
                figure.colors.grid.stroke_width(density as u32),
            ))?;
        }
        for (nth, &i) in self.named.iter().enumerate() {
            let series = &figure.series[i];
            let color = figure.color_of(i).mix(series.alpha.max(0.4));
            let middle = up + px(4.0) + line * nth as i32 + line / 2;
            let (start, end) = (left + px(8.0), left + px(26.0));
            match series.shape {
                Shape::Line(_) | Shape::Segments(..) => {
                    area.draw(&PathElement::new(
                        [(start, middle), (end, middle)],
                        color.stroke_width(px(3.0) as u32),
                    ))?;
                }
                Shape::Scatter(_) => match series.marker {
                    Marker::Circle => area.draw(&Circle::new(
                        ((start + end) / 2, middle),
                        px(4.0),
                        color.filled(),
                    ))?,
                    Marker::Triangle => area.draw(&TriangleMarker::new(
                        ((start + end) / 2, middle),
                        px(5.0),
                        color.filled(),
                    ))?,
                    Marker::Square => {
                        let (center, r) = ((start + end) / 2, px(4.0));
                        area.draw(&Rectangle::new(
                            [(center - r, middle - r), (center + r, middle + r)],
                            color.filled(),
                        ))?;
                    }
                    Marker::Cross => {
                        area.draw(&Cross::new(
                            ((start + end) / 2, middle),
                            px(4.0),
                            color.stroke_width(px(1.5) as u32),
                        ))?;
                    }
                },
                _ => area.draw(&Rectangle::new(
                    [(start, middle - px(5.0)), (end, middle + px(5.0))],
                    color.filled(),
                ))?,
            }
            let style = text_style(13.0 * density, figure.colors.ink)
                .pos(Pos::new(HPos::Left, VPos::Center));
            area.draw(&Text::new(
                series.name.clone(),
                (end + px(6.0), middle),
                style,
            ))?;
        }
        Ok(())
    }
}
