//! Files: bytes to plain values and back. No tensor, no page.

mod atomic;
mod image;
mod jpeg;

pub(crate) use atomic::{cache_folder, temporary, write_atomically};
pub(crate) use image::decode_image;
