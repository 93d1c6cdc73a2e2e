//! Drawing of a figure with plotters, on a canvas or as SVG.

use crate::error::{Error, Result};
use crate::show::chart::axes::{Axes, AxesChart};
use crate::show::chart::density::Density;
use crate::show::chart::figure::Figure;
use crate::show::chart::frame::Frame;
use crate::show::chart::heat_map::draw_color_bar;
use crate::show::chart::painter::draw_series;
use crate::show::{Canvas, DENSITY, DrawResult, text_style};
use plotters::coord::Shift;
use plotters::prelude::*;

/// A tooltip at a position of the image, in output pixels.
pub(super) struct Tooltip {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) text: String,
}

/// A drawn figure.
pub(super) struct Drawing {
    pub(super) canvas: Canvas,
    pub(super) tooltips: Vec<Tooltip>,
}

/// Draws a figure on a canvas.
pub(super) fn draw_canvas(figure: &Figure) -> Result<Drawing> {
    let (width, height) = (figure.size.0 * DENSITY, figure.size.1 * DENSITY);
    let mut canvas = Canvas::new(width as usize, height as usize, figure.theme.background)?;
    let root = (&mut canvas).into_drawing_area();
    let tooltips = draw(figure, &root, Density(f64::from(DENSITY)))
        .map_err(|error| Error::Plot(error.to_string()))?;
    drop(root);
    Ok(Drawing { canvas, tooltips })
}

/// Draws a figure as SVG.
pub(super) fn draw_svg(figure: &Figure) -> Result<String> {
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, figure.size).into_drawing_area();
    draw(figure, &root, Density(1.0)).map_err(|error| Error::Plot(error.to_string()))?;
    drop(root);
    Ok(svg)
}

/// Draws a figure and returns its tooltips.
fn draw<DB: DrawingBackend>(
    figure: &Figure,
    root: &DrawingArea<DB, Shift>,
    density: Density,
) -> std::result::Result<Vec<Tooltip>, DrawingAreaErrorKind<DB::ErrorType>> {
    root.fill(&figure.theme.background)?;
    let axes = Axes::of(figure);
    let frame = Frame::of(figure, &axes);
    let (main, side) = frame.split(root, density);
    let mut chart = build_chart(figure, &axes, &frame, &main, density)?;
    draw_mesh(&mut chart, figure, &axes, &frame, density)?;
    let mut tooltips = Vec::new();
    for i in 0..figure.series.len() {
        draw_series(chart.plotting_area(), figure, i, &axes, density)?;
        tooltips.extend(series_tooltips(&chart, figure, i, &axes));
    }
    match (&side, figure.heat_map(), &frame.legend) {
        (Some(side), Some(heat), _) => {
            draw_color_bar(figure, side, heat, frame.bottom, density)?;
        }
        (Some(side), None, Some(legend)) => legend.draw(figure, side, density)?,
        (_, _, Some(legend)) => {
            let area = chart.plotting_area().strip_coord_spec();
            legend.draw(figure, &area, density)?;
        }
        _ => {}
    }
    root.present()?;
    Ok(tooltips)
}

fn build_chart<'a, DB: DrawingBackend>(
    figure: &Figure,
    axes: &Axes,
    frame: &Frame,
    area: &'a DrawingArea<DB, Shift>,
    density: Density,
) -> std::result::Result<AxesChart<'a, DB>, DrawingAreaErrorKind<DB::ErrorType>> {
    let right = if frame.side_width.is_some() {
        6.0
    } else {
        20.0
    };
    let mut builder = ChartBuilder::on(area);
    builder
        .margin(density.px(12.0))
        .margin_right(density.px(right))
        .x_label_area_size(density.px(frame.bottom))
        .y_label_area_size(density.px(frame.left));
    if !figure.title.is_empty() {
        builder.caption(
            &figure.title,
            text_style(16.0 * density.0, figure.theme.ink),
        );
    }
    builder.build_cartesian_2d(axes.x.clone(), axes.y.clone())
}

/// Draws grid, axes and labels.
fn draw_mesh<DB: DrawingBackend>(
    chart: &mut AxesChart<DB>,
    figure: &Figure,
    axes: &Axes,
    frame: &Frame,
    density: Density,
) -> DrawResult<DB> {
    let theme = &figure.theme;
    let grid = if figure.heat_map().is_some() {
        TRANSPARENT
    } else {
        theme.grid.to_rgba()
    };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(grid.stroke_width(density.hairline()))
        .axis_style(theme.ink.mix(0.5).stroke_width(density.hairline()))
        .x_desc(&figure.x.label)
        .y_desc(&figure.y.label)
        .x_labels(frame.max_x_ticks)
        .y_labels(frame.max_y_ticks)
        .x_label_formatter(&|v| axes.x.label(*v, frame.max_x_ticks))
        .y_label_formatter(&|v| axes.y.label(*v, frame.max_y_ticks))
        .set_all_tick_mark_size(density.px(3.0))
        .label_style(text_style(13.0 * density.0, theme.ink))
        .axis_desc_style(text_style(14.0 * density.0, theme.ink))
        .draw()
}

/// Tooltips of the drawn points of a series.
fn series_tooltips<DB: DrawingBackend>(
    chart: &AxesChart<DB>,
    figure: &Figure,
    i: usize,
    axes: &Axes,
) -> Vec<Tooltip> {
    let series = &figure.series[i];
    if series.hover.is_empty() {
        return Vec::new();
    }
    series
        .hover
        .iter()
        .zip(series.shape.points())
        .filter(|(_, point)| axes.accept(*point))
        .map(|(text, point)| {
            let (x, y) = chart.backend_coord(&point);
            Tooltip {
                x,
                y,
                text: text.clone(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{draw_canvas, draw_svg};
    use crate::show::chart::figure::Figure;
    use crate::show::chart::series::{Series, Shape};

    #[test]
    fn tooltips_are_at_drawn_points_only() {
        let mut series = Series::new(
            String::new(),
            Shape::Scatter(vec![(0.0, 0.0), (f64::NAN, 1.0), (1.0, 1.0)]),
        );
        series.hover = ["a", "b", "c"].map(String::from).to_vec();
        let figure = Figure {
            series: vec![series],
            ..Figure::default()
        };
        let drawing = draw_canvas(&figure).unwrap();
        let texts: Vec<&str> = drawing.tooltips.iter().map(|t| t.text.as_str()).collect();
        assert_eq!(texts, ["a", "c"]);
        let (a, c) = (&drawing.tooltips[0], &drawing.tooltips[1]);
        assert!(a.x < c.x && a.y > c.y, "y grows upwards");
        assert!(draw_svg(&figure).unwrap().contains("<circle"));
    }
}
