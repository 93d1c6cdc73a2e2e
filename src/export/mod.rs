//! Models as files that other programs read.

mod safetensors;

pub(crate) use safetensors::{Extra, read_extra, write};
