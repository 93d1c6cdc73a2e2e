//! Builds: the helper crate is compiled once (the seed), and each kernel works in a copy (its
//! session).
//!
//! Uses `home` alone. Offers [`Seed`] and [`Session`], the [`Features`] that `install` selects, the
//! [`Gpu`] diagnosis, and the shim that answers the engine's calls of cargo.

mod environment;
mod nvcc;
mod features;
mod gpu;
mod link;
mod lock;
mod progress;
mod helper;
mod layout;
mod archive;
mod compile;
mod key;
mod seed;
mod session;
mod start;
mod source;
mod sources;
mod cargo;
mod registry;

pub(crate) use cargo::{
    AddedCrates, CrateList, FULL_PATHS, KILLED, TOKEN, begin_start, cargo_home, end_start, has_cc,
    lay_out_shim, original_path, reveal_sources, run_shim_if_called, rust_lld_in, select_shim,
    stock_environment,
};
pub(crate) use compile::WARM_UP_CELLS;
pub(crate) use environment::BUILD_ENVIRONMENT;
pub(crate) use features::Features;
pub(crate) use gpu::Gpu;
pub(crate) use link::Extent;
pub(crate) use registry::{dependency_sources, helper_sources, standard_library_folder};
pub(crate) use seed::Seed;
pub(crate) use session::Session;
pub(crate) use source::{
    ERROR, KEPT, PANIC, STATIC_SYMBOL, assigned_variable, engine_source_file, is_constant_name,
    mentions, message_lines, statics_file,
};
pub(crate) use start::{start_folder, write_start};
