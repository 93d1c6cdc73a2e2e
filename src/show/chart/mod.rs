//! Charts: a builder, its figure, and the code that draws it.

mod axis;
mod figure;
mod legend;
mod draw;
mod plot;

pub use figure::Marker;
pub use plot::{Plot, Plots};
