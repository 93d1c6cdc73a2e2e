//! Builds: the helper crate is compiled once (the seed), and each kernel works in a copy (its
//! session).
//!
//! Uses `home` alone. Offers [`Seed`] and [`Session`], the [`Features`] that `install` selects, the
//! [`Gpu`] diagnosis, and [`cargo`], the shim that answers the engine's calls of cargo.

mod environment;
mod nvcc;
mod features;
mod gpu;
mod link;
mod lock;
mod progress;
mod helper;
mod layout;
mod compile;
mod key;
mod seed;
mod session;
pub(crate) mod cargo;

pub(crate) use compile::WARM_UP_CELLS;
pub(crate) use environment::BUILD_ENVIRONMENT;
pub(crate) use features::Features;
pub(crate) use gpu::Gpu;
pub(crate) use seed::Seed;
pub(crate) use session::Session;
