//! Optimizers.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod optimizer;
mod rates;
mod schedule;
mod settings;
