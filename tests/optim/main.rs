//! Optimizers.

mod optimizer;
mod settings;
