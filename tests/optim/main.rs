//! Optimizers.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod average;
mod checkpoints;
mod gradients;
mod groups;
mod optimizer;
mod pytorch;
mod rates;
mod schedule;
mod settings;
