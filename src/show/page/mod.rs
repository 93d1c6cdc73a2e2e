//! Page content other than images and charts: HTML, SVG, Markdown, LaTeX, JSON, sound, video and
//! animations.
//!
//! Uses the files of `show`. Each function returns a [`Content`](crate::show::Content).

mod animation;
mod markup;
mod player;
mod sound;

pub use animation::animation;
pub use markup::{html, json, latex, markdown, svg};
pub use player::{audio, video};
pub use sound::sound;
