//! Tests of `export`: weights files.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod common;
mod floats;
mod load;
mod mismatch;
mod save;
mod variants;
