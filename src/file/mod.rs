//! Files: bytes to plain values and back.
//!
//! Uses the ground files only; knows no tensor and no notebook output. It offers atomic writes, the
//! cache folder, names and extensions for messages, SHA-256 sums, and the decoding of image files.

mod atomic;
mod cache;
mod hash;
mod image;
mod jpeg;
mod name;

pub(crate) use atomic::{AtomicFile, write_atomically};
pub(crate) use cache::cache_folder;
pub(crate) use hash::{Sha256, sha256_hex};
pub(crate) use image::decode_image;
pub(crate) use name::{extension, name_or};
