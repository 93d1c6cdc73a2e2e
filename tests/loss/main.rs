//! Losses.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod reconstruction;
