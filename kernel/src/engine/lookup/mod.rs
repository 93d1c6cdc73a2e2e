//! Completion and inspection of names.
//!
//! Uses `code`, `reference` and the names of `magic`'s commands. The answers come from rust-analyzer, which the engine gives the
//! names of all cells; this folder removes what cells cannot use, and writes the pages.

mod place;
mod analyzer;
mod candidate;
mod sources;
mod visible;
mod complete;
mod describe;

pub(crate) use complete::Candidates;
pub(super) use complete::complete;
pub(crate) use describe::Description;
pub(super) use describe::describe;
pub(crate) use sources::{is_always_known, read_reference};
