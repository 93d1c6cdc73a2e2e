//! The cargo shim: a `cargo` that precedes the real one on the engine's `PATH`, to save time.
//!
//! - `cargo metadata`: rust-analyzer loads every listed package at start, about 150 and the
//!   standard library. The shim lists only those that a cell can name.
//! - Calls that repeat at every start are answered from recordings made during the seed's build.
//! - `cargo build`: cargo checks 180 packages before it compiles the cell. The compiler's command
//!   is always the same, so the shim records it once and then runs it directly.
//! - `:dep`: added crates are compiled apart, and linked to cells by further arguments.
//!
//! `sh`, which runs a cell's shell lines, starts in the notebook's folder; the engine itself works in
//! the session. Other calls go to the real cargo. `rustc` is the toolchain's own, without rustup's proxy.

mod variables;
mod process;
mod places;
mod answers;
mod metadata;
mod linker;
mod cell;
mod added;
mod recorder;
mod dispatch;
mod install;

pub(crate) use added::{AddedCrates, CrateList};
pub(crate) use dispatch::run_shim_if_called;
pub(crate) use install::{cargo_home, lay_out_shim, select_shim, stock_environment};
pub(crate) use linker::{has_cc, rust_lld_in};
pub(crate) use process::{KILLED, original_path};
pub(crate) use variables::{ANSWERS, FULL_PATHS, TOKEN};
