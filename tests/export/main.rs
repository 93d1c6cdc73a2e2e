//! Tests of `export`: weights files.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod load;
mod save;
