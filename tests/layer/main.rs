//! Layers.

mod conv;
