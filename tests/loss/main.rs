//! Losses.

mod pairs;
