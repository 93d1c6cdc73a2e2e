//! Builds: the helper crate compiled once (seed), and the folders of kernels made from it (sessions).
//!
//! Uses `home` alone.

pub(crate) mod environment;
mod link;
mod nvcc;
pub(crate) mod features;
pub(crate) mod gpu;
pub(crate) mod seed;
pub(crate) mod session;
pub(crate) mod front;

pub(crate) use features::Features;
pub(crate) use seed::{Seed, WARM_UP};
pub(crate) use session::Session;
