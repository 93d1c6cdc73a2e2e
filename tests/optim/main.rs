//! Optimizers.

mod optimizer;
mod rates;
mod settings;
