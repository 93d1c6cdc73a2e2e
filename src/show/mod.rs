//! Values and the page that shows them. No data set, no model.

mod display;
mod input;
mod progress;
mod table;
pub mod page;
mod preview;
mod color;
mod canvas;
mod montage;
mod image;
mod numbers;
mod chart;

pub(crate) use canvas::{Canvas, Colors, DARK, DENSITY, LIGHT, Painted, text_style, text_width};
pub use chart::{Marker, Plot, Plots};
pub(crate) use color::{PALETTE, WARNING, parse, sequential};
pub use display::{Content, Handle, MARKER, Show, ShowDebug, ShowValues, clear_output, show};
pub(crate) use display::{Frontend, base64, escape, new_id, shows_itself};
pub use image::Image;
pub use input::{input, password};
pub use montage::{Montage, Pictures, Scale};
pub use numbers::Numbers;
pub(crate) use numbers::finite_range;
pub use page::{animation, audio, html, json, latex, markdown, sound, svg, video};
pub(crate) use preview::sparkline;
pub(crate) use progress::{Line, UPDATE_EVERY, bar, duration, print_line};
pub use progress::{Progress, progress};
pub use table::Table;
