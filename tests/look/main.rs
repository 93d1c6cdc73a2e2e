//! Tests of `look`: views of a model.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod common;

mod activations;
mod code_map;
mod codes;
mod errors;
mod explorer;
mod features;
mod interpolation;
mod jpeg;
mod neighbors;
mod quantization;
mod reconstructions;
mod traversal;
mod weights;
