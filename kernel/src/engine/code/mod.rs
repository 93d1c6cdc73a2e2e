//! Cells as text: completeness, the display of the last expression, and Jupyter's positions.
//!
//! Uses no other part of the engine. Offers [`parse_cell`] to every analysis of a cell's syntax.

mod nesting;
mod brackets;
mod cell;
mod known;
mod top;
mod completeness;
mod dependency;
mod display_call;
mod insertion;
mod redeclaration;
mod literals;
mod position;

pub(crate) use brackets::closing_brackets;
pub(crate) use cell::{ParsedCell, parse_cell};
pub(crate) use completeness::is_complete;
pub(super) use dependency::take_dependencies;
pub(super) use display_call::{DisplayedCode, with_display_call};
pub(super) use insertion::{Insertions, on_as_many_lines};
pub(crate) use known::{Known, unknown_names};
pub(super) use literals::{has_many_values, with_arrays};
pub(crate) use nesting::check_depth;
pub(crate) use position::{byte_at, characters_before, question, word_at};
pub(super) use redeclaration::declare_moved;
pub(super) use top::split_commands;
pub(crate) use top::{TopLine, top_lines};
