//! The source of a cell, as it is compiled.
//!
//! The engine writes a source file for each cell. Just before the compiler reads it, the shim rewrites
//! it: what a failing cell has bound is kept, loops can be stopped, statics exist once. The engine
//! never sees the changes. If the rewritten source does not compile, the engine's is compiled, so that
//! errors are about the user's code.

mod edits;
mod lines;
mod generated;
mod statement;
mod plan;
mod parts;
mod checks;
mod statics;
mod runtime;
mod types;
mod diagnostics;
mod rewrite;

pub(crate) use diagnostics::message_lines;
pub(super) use rewrite::{CellSource, Verdict};
pub(crate) use runtime::{ERROR, KEPT, PANIC};
pub(crate) use statement::{assigned as assigned_variable, is_constant_name, mentions};
pub(crate) use statics::{STATIC_SYMBOL, engine_source_file, statics_file};
