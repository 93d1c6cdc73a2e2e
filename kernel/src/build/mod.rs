//! Builds: the helper crate compiled once (seed), and the folders of kernels made from it (sessions).
//!
//! Uses `home` alone.

pub mod environment;
mod link;
mod nvcc;
pub mod features;
pub mod gpu;
pub mod seed;
pub mod session;
pub mod front;

pub use features::Features;
pub use seed::{Seed, WARM_UP};
pub use session::Session;
