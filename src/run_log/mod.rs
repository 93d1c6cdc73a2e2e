//! The run log: a SQLite file with a row for each training run and each of its epochs.
//!
//! Training never waits for the file: a thread writes it ([`RunWriter`]), and a file that cannot be
//! written costs one note. Rows are plain values, so the log knows no training.

mod location;
mod row;
mod schema;
mod writer;
mod reader;

pub(crate) use location::log_file;
pub(crate) use reader::{read_epochs, read_runs};
pub(crate) use row::{Ending, EpochRow, NewRun, RunRow};
pub(crate) use writer::RunWriter;
