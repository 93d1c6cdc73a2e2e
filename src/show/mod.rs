//! Rendering of values under a notebook cell: text, tables, images, charts, pages and progress.
//!
//! Uses `error`, `cell`, `file` and `math`; knows no data set, layer or model. The only folder that
//! prints: others call [`show`] or `note`. Offers [`Show`] with [`show`], [`Montage`] and
//! [`Image`], [`Plot`], [`Table`], the functions of [`page`], [`progress`] and [`input`].

// Output.
mod content;
mod frontend;
#[doc(hidden)]
pub mod part;
#[doc(hidden)]
pub mod store;
mod display;
mod beginning;
mod job_lines;
mod cell_value;
mod input;
// Text.
mod format;
mod range;
mod sparkline;
mod preview;
mod table;
mod status_line;
mod pace;
mod progress;
// Images.
mod color;
mod theme;
mod font;
mod png;
mod canvas;
mod backend;
mod images;
mod shader;
mod vectors;
mod layout;
mod montage;
mod rendering;
mod image;
pub mod page;
// Charts.
mod numbers;
mod chart;

pub(crate) use canvas::{Canvas, DENSITY, DrawResult};
pub use cell_value::{ShowCounted, ShowDebug, ShowValues};
pub use chart::{Marker, Plot, Plots};
pub(crate) use color::{PALETTE, WARNING, parse_color, sequential};
pub use content::Content;
pub(crate) use content::{RESULT, base64, escape};
pub use display::{Handle, Show, clear_output, show};
pub(crate) use display::{evcxr_display, mute, new_id, note};
pub(crate) use font::{text_style, text_width};
pub(crate) use format::{compact, duration, thousands};
pub(crate) use frontend::Frontend;
pub use image::Image;
pub use images::Images;
pub use input::{input, password};
pub(crate) use job_lines::{is_wire_line, pass_on, pass_on_error, send_to_notebook, sent_by_rank};
pub use montage::Montage;
pub use numbers::Numbers;
pub(crate) use pace::{Mark, Pace};
pub use page::{animation, audio, html, json, latex, markdown, sound, svg, video};
pub(crate) use progress::bar;
pub use progress::{Progress, progress};
pub(crate) use range::finite_range;
pub use shader::Scale;
pub(crate) use sparkline::sparkline;
pub(crate) use status_line::{StatusLine, UPDATE_EVERY};
pub use table::Table;
pub(crate) use theme::{DARK, LIGHT, Theme};
pub(crate) use vectors::VectorSize;
