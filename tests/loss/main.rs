//! Losses.

mod reconstruction;
