//! Charts: `plot` builds a `figure`, `drawing` draws it with plotters, `description` puts it
//! into words.
//!
//! Uses the files of `show`; no file of `show` uses a chart. Offers [`Plot`], [`Plots`] and
//! [`Marker`].

// Axes and data, from small to large.
mod ticks;
mod axis;
mod density;
mod marker;
mod series;
mod figure;
mod axes;
// Drawing.
mod downsample;
mod heat_map;
mod legend;
mod frame;
mod painter;
mod drawing;
mod tooltips;
mod description;
// The builder.
mod checks;
mod labels;
mod plot;
mod style;
mod points;
mod spans;
mod bars;
mod histogram;
mod matrix;
mod plots;

pub use marker::Marker;
pub use plot::Plot;
pub use plots::Plots;
