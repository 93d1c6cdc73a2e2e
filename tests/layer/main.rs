//! Layers.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod code_builder;
mod common;

mod builder;
mod conv;
mod executors;
mod layer;
mod max_pool;
mod mirror;
mod nodes;
mod pytorch;
mod pytorch_sequences;
mod windows;
