//! Files: bytes to plain values and back. No tensor, no page.

mod atomic;
mod image;
mod jpeg;
mod npy_header;
mod npy;

pub(crate) use atomic::{temporary, write_atomically};
pub(crate) use image::decode_image;
pub(crate) use npy::{NpyArray, listed};
pub(crate) use npy_header::{Kind, NpyType};
