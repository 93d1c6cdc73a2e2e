//! Cells and lines that are not Rust: commands, shell lines, and habits from Python notebooks.
//!
//! Uses `code`, `reference` and the engine's output. Offers [`run_top`], which runs the lines at the
//! top of a cell and returns the Rust code below them.

mod command;
mod shell;
mod python;
mod habit;
mod top;

pub(super) use command::command_names;
pub(super) use top::{Step, run_top};
