//! How a [`Figure`] is drawn, by plotters, on a canvas of ours or as SVG.

use crate::error::{Error, Result};
use crate::show::chart::axis::{Axis, Ticks};
use crate::show::chart::figure::{Figure, Marker, Series, Shape};
use crate::show::chart::legend::Legend;
use crate::show::{
    Canvas, DENSITY, Painted, WARNING, finite_range, sequential, text_style, text_width,
};
use plotters::chart::ChartContext;
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Shades of the scale beside a heat map.
const SHADES: usize = 64;
/// Points up to which a line shows them.
const FEW: usize = 40;

type Chart<'a, DB> = ChartContext<'a, DB, Cartesian2d<Axis, Axis>>;

/// Where on the picture a text shows under the mouse: x, y, text.
pub(crate) type Hints = Vec<(i32, i32, String)>;

/// The chart as pixels, and the places of its hover texts.
pub(crate) fn canvas(figure: &Figure) -> Result<(Canvas, Hints)> {
    let (width, height) = (figure.size.0 * DENSITY, figure.size.1 * DENSITY);
    let mut canvas = Canvas::new(width as usize, height as usize, figure.colors.background)?;
    let mut hints = Hints::new();
    {
        let root = (&mut canvas).into_drawing_area();
        draw(figure, &root, f64::from(DENSITY), &mut hints)
            .map_err(|error| Error::Plot(error.to_string()))?;
    }
    Ok((canvas, hints))
}

/// The chart as a drawing of lines and text.
pub(crate) fn svg(figure: &Figure) -> Result<String> {
    let mut drawing = String::new();
    {
        let root = SVGBackend::with_string(&mut drawing, figure.size).into_drawing_area();
        draw(figure, &root, 1.0, &mut Hints::new())
            .map_err(|error| Error::Plot(error.to_string()))?;
    }
    Ok(drawing)
}

/// Draws a chart; `density` is how many pixels stand for one of the page.
fn draw<DB: DrawingBackend>(
    figure: &Figure,
    root: &DrawingArea<DB, Shift>,
    density: f64,
    hints: &mut Hints,
) -> Painted<DB> {
    let px = |points: f64| (points * density).round() as i32;
    root.fill(&figure.colors.background)?;
    let heat = figure.series.iter().find_map(|series| match &series.shape {
        Shape::Heat { values, .. } => Some(values),
        _ => None,
    });
    let (x, y) = figure.axes();
    let most = (f64::from(figure.size.0) / 75.0) as usize;
    let most_x = if let Ticks::Names(names) = &figure.x.ticks {
        fitting(names, figure.size.0)
    } else {
        most
    };
    let most_y = if matches!(figure.y.ticks, Ticks::Names(_)) {
        40
    } else {
        (figure.size.1 / 55).max(2) as usize
    };
    let labels = y
        .marks(most_y)
        .into_iter()
        .map(|v| text_width(&y.label(v, most_y), 13.0))
        .max()
        .unwrap_or(0);
    let label_area = labels as f64 + if figure.y.name.is_empty() { 16.0 } else { 38.0 };
    let label_area = label_area.min(f64::from(figure.size.0) * 0.4);
    let below = if figure.x.name.is_empty() { 24.0 } else { 42.0 };
    let above = if figure.title.is_empty() { 12.0 } else { 40.0 };
    let area = (
        f64::from(figure.size.0) - label_area - 32.0,
        f64::from(figure.size.1) - below - above - 12.0,
    );
    let legend = Legend::of(figure, (&x, &y), area);
    let aside = if heat.is_some() {
        Some(84.0)
    } else {
        legend.as_ref().and_then(Legend::beside)
    };
    // Of very long names a part is cut off, of the chart nothing.
    let aside = aside.map(|width: f64| width.min(f64::from(figure.size.0) / 2.0));
    let (main, side) = match aside {
        Some(width) => {
            let (main, side) = root.split_horizontally(root.dim_in_pixel().0 as i32 - px(width));
            (main, Some(side))
        }
        None => (root.clone(), None),
    };
    let mut builder = ChartBuilder::on(&main);
    builder
        .margin(px(12.0))
        .margin_right(px(if side.is_some() { 6.0 } else { 20.0 }));
    builder
        .x_label_area_size(px(below))
        .y_label_area_size(px(label_area));
    if !figure.title.is_empty() {
        builder.caption(&figure.title, text_style(16.0 * density, figure.colors.ink));
    }
    let mut chart = builder.build_cartesian_2d(x.clone(), y.clone())?;
    let mesh = if heat.is_some() {
        TRANSPARENT
    } else {
        figure.colors.grid.to_rgba()
    };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(mesh.stroke_width(density as u32))
        .axis_style(figure.colors.ink.mix(0.5).stroke_width(density as u32))
        .x_desc(&figure.x.name)
        .y_desc(&figure.y.name)
        .x_labels(most_x)
        .y_labels(most_y)
        .x_label_formatter(&|v| x.label(*v, most_x))
        .y_label_formatter(&|v| y.label(*v, most_y))
        .set_all_tick_mark_size(px(3.0))
        .label_style(text_style(13.0 * density, figure.colors.ink))
        .axis_desc_style(text_style(14.0 * density, figure.colors.ink))
        .draw()?;
    for (i, series) in figure.series.iter().enumerate() {
        series_on(&mut chart, figure, i, (&x, &y), density)?;
        let visible = series.shape.points();
        for (text, point) in series
            .hover
            .iter()
            .zip(visible)
            .filter(|(_, p)| x.takes(p.0) && y.takes(p.1))
        {
            let (left, top) = chart.backend_coord(&point);
            hints.push((left, top, text.clone()));
        }
    }
    match (&side, heat, &legend) {
        (Some(side), Some(values), _) => color_bar(figure, side, values, density)?,
        (Some(side), None, Some(legend)) => legend.draw(figure, side, density)?,
        (_, _, Some(legend)) => {
            legend.draw(figure, &chart.plotting_area().strip_coord_spec(), density)?
        }
        _ => {}
    }
    root.present()
}

/// How many of these names fit below a chart.
fn fitting(names: &[String], width: u32) -> usize {
    let widest = names
        .iter()
        .map(|name| text_width(name, 13.0))
        .max()
        .unwrap_or(0);
    (width as usize / (widest + 10)).max(1)
}

/// Draws one series.
fn series_on<DB: DrawingBackend>(
    chart: &mut Chart<DB>,
    figure: &Figure,
    i: usize,
    (x, y): (&Axis, &Axis),
    density: f64,
) -> Painted<DB> {
    let series = &figure.series[i];
    let color = figure.color_of(i).mix(series.alpha);
    let stroke = color.stroke_width((series.width * density).round().max(1.0) as u32);
    let takes = |p: &(f64, f64)| x.takes(p.0) && y.takes(p.1);
    match &series.shape {
        Shape::Line(points) => {
            let columns = chart.plotting_area().dim_in_pixel().0 as usize;
            for run in points.split(|p| !takes(p)).filter(|run| !run.is_empty()) {
                chart.draw_series([PathElement::new(thinned(run, x, columns), stroke)])?;
            }
            if points.len() <= FEW {
                marks(
                    chart,
                    series,
                    points.iter().copied().filter(takes),
                    color,
                    density,
                )?;
            }
        }
        Shape::Scatter(points) => marks(
            chart,
            series,
            points.iter().copied().filter(takes),
            color,
            density,
        )?,
        Shape::Segments(all, heads) => {
            let ends = |[x0, y0, x1, y1]: &[f64; 4]| [(*x0, *y0), (*x1, *y1)];
            for [from, to] in all.iter().map(ends).filter(|ends| ends.iter().all(takes)) {
                chart.draw_series([PathElement::new([from, to], stroke)])?;
                if *heads {
                    arrow_head(chart, from, to, color, density)?;
                }
            }
        }
        Shape::Quads(all) => {
            let ends = |[x0, y0, x1, y1]: &[f64; 4]| [(*x0, *y0), (*x1, *y1)];
            // On a log axis a quad may begin at zero: it is drawn from the edge.
            let fits = |[from, to]: &[(f64, f64); 2]| {
                takes(&(from.0, from.1.max(to.1)))
                    && takes(&(to.0, from.1.max(to.1)))
                    && from.1.min(to.1).is_finite()
            };
            let quads = all.iter().map(ends).filter(fits);
            chart.draw_series(quads.map(|ends| Rectangle::new(ends, color.filled())))?;
        }
        Shape::Bars(heights) => {
            let groups = figure
                .series
                .iter()
                .filter(|series| matches!(series.shape, Shape::Bars(_)))
                .count();
            let nth = figure.series[..i]
                .iter()
                .filter(|series| matches!(series.shape, Shape::Bars(_)))
                .count();
            let width = 0.8 / groups as f64;
            let bar = |(at, height): (usize, &f64)| {
                let left = at as f64 - 0.4 + nth as f64 * width;
                Rectangle::new([(left, 0.0), (left + width, *height)], color.filled())
            };
            chart.draw_series(
                heights
                    .iter()
                    .enumerate()
                    .filter(|(_, height)| height.is_finite())
                    .map(bar),
            )?;
        }
        Shape::Band(all) => {
            let fits = |[at, low, high]: &&[f64; 3]| takes(&(*at, *low)) && takes(&(*at, *high));
            let all: Vec<&[f64; 3]> = all.iter().filter(fits).collect();
            let above = all.iter().map(|[at, _, high]| (*at, *high));
            let below = all.iter().rev().map(|[at, low, _]| (*at, *low));
            chart.draw_series([Polygon::new(
                above.chain(below).collect::<Vec<_>>(),
                color.filled(),
            )])?;
        }
        Shape::Text(all) => {
            let style = text_style(13.0 * density, figure.color_of(i))
                .pos(Pos::new(HPos::Center, VPos::Center));
            let texts = all.iter().filter(|(at, height, _)| takes(&(*at, *height)));
            chart.draw_series(texts.map(|(at, height, text)| {
                Text::new(text.clone(), (*at, *height), style.clone())
            }))?;
        }
        Shape::Heat {
            values,
            columns,
            numbers,
            ..
        } => heat(chart, values, *columns, *numbers, density)?,
    }
    Ok(())
}

/// The same line with at most four points for each column of pixels: first, lowest, highest, last, which is all that can
/// be seen of it (Jugel and others, "M4: a visualization-oriented time series data aggregation", 2014).
fn thinned(points: &[(f64, f64)], x: &Axis, columns: usize) -> Vec<(f64, f64)> {
    if points.len() <= 4 * columns || !points.is_sorted_by(|a, b| a.0 <= b.0) {
        return points.to_vec();
    }
    let column = |point: &(f64, f64)| (x.place(point.0) * columns as f64) as usize;
    let mut out = Vec::with_capacity(4 * columns);
    for part in points.chunk_by(|a, b| column(a) == column(b)) {
        let by_height = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let (low, high) = (part.iter().min_by(by_height), part.iter().max_by(by_height));
        let mut few = vec![part.first(), low, high, part.last()];
        few.dedup();
        out.extend(few.into_iter().flatten());
    }
    out
}

fn marks<DB: DrawingBackend>(
    chart: &mut Chart<DB>,
    series: &Series,
    points: impl Iterator<Item = (f64, f64)>,
    color: RGBAColor,
    density: f64,
) -> Painted<DB> {
    let r = (3.5 * density).round() as i32;
    let thick = color.stroke_width((1.5 * density) as u32);
    match series.marker {
        Marker::Circle => chart
            .draw_series(points.map(|p| Circle::new(p, r, color.filled())))
            .map(|_| ()),
        Marker::Triangle => chart
            .draw_series(points.map(|p| TriangleMarker::new(p, r + 1, color.filled())))
            .map(|_| ()),
        Marker::Square => {
            let square =
                |p| EmptyElement::at(p) + Rectangle::new([(-r, -r), (r, r)], color.filled());
            chart.draw_series(points.map(square)).map(|_| ())
        }
        Marker::Cross => chart
            .draw_series(points.map(|p| Cross::new(p, r, thick)))
            .map(|_| ()),
    }
}

/// A filled triangle at the end of an arrow, of one size in pixels whatever the scales of the axes.
fn arrow_head<DB: DrawingBackend>(
    chart: &mut Chart<DB>,
    from: (f64, f64),
    to: (f64, f64),
    color: RGBAColor,
    density: f64,
) -> Painted<DB> {
    let ((x0, y0), (x1, y1)) = (chart.backend_coord(&from), chart.backend_coord(&to));
    let (dx, dy) = (f64::from(x1 - x0), f64::from(y1 - y0));
    let length = dx.hypot(dy);
    if length < 1.0 {
        return Ok(());
    }
    let size = (8.0 * density).min(length * 0.6);
    let (ux, uy) = (dx / length * size, dy / length * size);
    let at = |back: f64, aside: f64| {
        (
            (-back * ux - aside * uy) as i32,
            (-back * uy + aside * ux) as i32,
        )
    };
    let head = vec![(0, 0), at(1.0, 0.5), at(1.0, -0.5)];
    chart
        .draw_series([EmptyElement::at(to) + Polygon::new(head, color.filled())])
        .map(|_| ())
}

fn heat<DB: DrawingBackend>(
    chart: &mut Chart<DB>,
    values: &[f64],
    columns: usize,
    numbers: bool,
    density: f64,
) -> Painted<DB> {
    let (low, high) = ends(values);
    let color = |value: f64| {
        if value.is_finite() {
            sequential(share(value, low, high))
        } else {
            WARNING
        }
    };
    let cell = |(i, value): (usize, &f64)| {
        let (row, column) = ((i / columns) as f64, (i % columns) as f64);
        Rectangle::new(
            [(column - 0.5, row - 0.5), (column + 0.5, row + 0.5)],
            color(*value).filled(),
        )
    };
    chart.draw_series(values.iter().enumerate().map(cell))?;
    if numbers {
        let number = |(i, value): (usize, &f64)| {
            let ink = if share(*value, low, high) > 0.6 {
                RGBColor(30, 30, 30)
            } else {
                RGBColor(240, 240, 240)
            };
            let style = text_style(12.0 * density, ink).pos(Pos::new(HPos::Center, VPos::Center));
            Text::new(
                crate::show::chart::axis::short(*value),
                ((i % columns) as f64, (i / columns) as f64),
                style,
            )
        };
        chart.draw_series(values.iter().enumerate().map(number))?;
    }
    Ok(())
}

/// The scale beside a heat map.
fn color_bar<DB: DrawingBackend>(
    figure: &Figure,
    area: &DrawingArea<DB, Shift>,
    values: &[f64],
    density: f64,
) -> Painted<DB> {
    let px = |points: f64| (points * density).round() as i32;
    let (low, high) = ends(values);
    let y = Axis::between(
        low,
        if high > low {
            high
        } else {
            low + low.abs().max(1.0)
        },
        Ticks::Linear,
    );
    let bottom = if figure.x.name.is_empty() { 24.0 } else { 42.0 };
    let mut builder = ChartBuilder::on(area);
    builder
        .margin(px(12.0))
        .margin_left(0)
        .margin_right(px(6.0))
        .margin_bottom(px(12.0 + bottom));
    if !figure.title.is_empty() {
        builder.caption(" ", text_style(16.0 * density, figure.colors.ink));
    }
    let mut chart = builder
        .right_y_label_area_size(px(48.0))
        .build_cartesian_2d(Axis::between(0.0, 1.0, Ticks::Linear), y.clone())?;
    let range = y.range();
    let part = |i: usize| range.start + (range.end - range.start) * i as f64 / SHADES as f64;
    let shade = |i: usize| sequential((i as f64 + 0.5) / SHADES as f64).filled();
    chart.draw_series(
        (0..SHADES).map(|i| Rectangle::new([(0.0, part(i)), (1.0, part(i + 1))], shade(i))),
    )?;
    chart
        .configure_mesh()
        .disable_mesh()
        .disable_x_axis()
        .y_labels(5)
        .y_label_formatter(&|v| y.label(*v, 5))
        .axis_style(figure.colors.ink.mix(0.5).stroke_width(density as u32))
        .set_all_tick_mark_size(px(3.0))
        .label_style(text_style(12.0 * density, figure.colors.ink))
        .draw()
}

/// The smallest and largest finite value; 0 and 1 where there are none.
fn ends(values: &[f64]) -> (f64, f64) {
    let (low, high) = finite_range(values.iter().copied());
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

fn share(value: f64, low: f64, high: f64) -> f64 {
    if high > low {
        (value - low) / (high - low)
    } else {
        0.5
    }
}
