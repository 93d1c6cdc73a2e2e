//! Views of a model.

mod codec;
mod explore;
mod look;
