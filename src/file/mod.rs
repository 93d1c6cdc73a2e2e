//! Files: bytes to plain values and back.
//!
//! Uses the ground files only; knows no tensor and no notebook output. It offers atomic writes,
//! names and extensions for messages, SHA-256 sums, NumPy arrays, LMDB databases, and the decoding
//! of image files.

mod atomic;
mod hash;
mod image;
mod jpeg;
mod lmdb;
mod name;
mod npy_header;
mod npy;

pub(crate) use atomic::{AtomicFile, write_atomically};
pub(crate) use hash::{Sha256, sha256_hex};
pub(crate) use image::decode_image;
pub(crate) use lmdb::{LONG_VALUE_BYTES, LmdbCursor, LmdbDamage, LmdbFile, Location};
pub(crate) use name::{extension, name_or};
pub(crate) use npy::{NpyArray, listed};
pub(crate) use npy_header::{Kind, NpyType};
