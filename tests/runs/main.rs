//! Recorded runs, their files and views.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod common;
mod compare;
mod history_file;
mod list;
mod run;
mod sweep;
mod sweep_results;
