//! Photographs: sources, frames of one size, packed files. No data set.

mod frame;
mod source;
mod packed;
mod stream;
mod datum;
mod lmdb;

pub use frame::Crop;
pub(crate) use frame::Framing;
pub(crate) use lmdb::{DATABASE_FILE, LmdbRecords};
pub(crate) use source::PhotoSource;
pub(crate) use stream::PhotoStream;
