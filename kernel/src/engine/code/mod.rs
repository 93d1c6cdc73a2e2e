//! Cells as text: completeness, the display of the last expression, and Jupyter's positions.
//!
//! Uses no other part of the engine. Offers [`parse_cell`] to every analysis of a cell's syntax.

mod brackets;
mod cell;
mod completeness;
mod display_call;
mod position;

pub(crate) use cell::parse_cell;
pub(crate) use completeness::is_complete;
pub(super) use display_call::{DisplayedCode, with_display_call};
pub(crate) use position::{byte_at, characters_before, question, word_at};
