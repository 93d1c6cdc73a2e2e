//! Optimizers: gradients to steps.

mod methods;

pub use methods::{Adam, Optim, Optimizer, Sgd};
pub(crate) use methods::{Method, Moments, Rates, one_step};
