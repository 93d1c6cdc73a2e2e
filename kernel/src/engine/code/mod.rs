//! Cells as text: completeness, the display of the last expression, and Jupyter's positions.
//!
//! Uses no other part of the engine. Offers [`parse_cell`] to every analysis of a cell's syntax.

mod nesting;
mod brackets;
mod cell;
mod completeness;
mod dependency;
mod display_call;
mod literals;
mod position;
mod stop_checks;
mod prepared;

pub(crate) use cell::parse_cell;
pub(crate) use completeness::is_complete;
pub(super) use dependency::take_dependencies;
pub(super) use literals::has_many_values;
pub(crate) use nesting::check_depth;
pub(crate) use position::{byte_at, characters_before, question, word_at};
pub(super) use prepared::prepare;
