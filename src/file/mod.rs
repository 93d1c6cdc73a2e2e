//! Files: bytes to plain values and back.
//!
//! Uses the ground files only; knows no tensor and no notebook output. It offers limits, bounded
//! reads, atomic writes, names and extensions for messages, SHA-256 sums, JSON, NumPy arrays, LMDB
//! databases, and the decoding of image files.

mod name;
mod atomic;
mod hash;
mod limits;
mod memory;
mod unreadable;
mod json;
mod read;
mod gzip;
mod data_file;
mod jpeg;
mod gif;
mod png;
mod bmp;
mod webp;
mod lmdb;
mod image;
mod npy_header;
mod npy;
mod csv;
mod csv_rows;

pub(crate) use atomic::{AtomicFile, check_folder, write_atomically};
pub(crate) use csv::{CsvColumns, CsvTable};
pub(crate) use csv_rows::CsvRows;
pub(crate) use data_file::{DataFile, DataSize, FETCH_AGAIN, Unpacked, names_in_archive};
pub(crate) use hash::{Sha256, sha256_hex};
pub(crate) use image::decode_image;
pub(crate) use json::parse_json;
pub use limits::Limits;
pub(crate) use lmdb::{LONG_VALUE_BYTES, LmdbCursor, LmdbDamage, LmdbFile, Location};
pub(crate) use name::{extension, folder_contents, name_or};
pub(crate) use npy::{NpyArray, listed};
pub(crate) use npy_header::{Kind, NpyType};
pub(crate) use read::{append, open_file, read_file};
