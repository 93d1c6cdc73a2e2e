//! The cargo shim: a `cargo` that precedes the real one on the engine's `PATH`, to save time.
//!
//! - `cargo metadata`: rust-analyzer loads every listed package, about 150 and the standard library.
//!   The shim lists none until a name is looked up, and then only those that a cell can name.
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
mod analysis;
mod linker;
mod outcome;
mod cell;
mod rustc_command;
mod added;
mod recorder;
mod dispatch;
mod install;

pub(crate) use added::{AddedCrates, CrateList};
pub(crate) use analysis::reveal as reveal_sources;
pub(crate) use dispatch::run_shim_if_called;
pub(crate) use install::{cargo_home, lay_out_shim, select_shim, stock_environment};
pub(crate) use linker::{has_cc, rust_lld_in};
pub(crate) use outcome::{begin_start, end_start};
pub(crate) use process::{KILLED, original_path};
pub(crate) use variables::{ANSWERS, FULL_PATHS, TOKEN};
