//! Photographs: sources (files, LMDB records), reduction to frames of one size, packed files.
//!
//! Offers [`PhotoStream`], which reads photographs as images of one size. Uses `error`, `cell`,
//! `file`, `math` and `show`; knows no data set, no split and no tensor.

mod crop;
mod frame;
mod origin;
mod source;
mod ignored;
mod tree;
mod files;
mod datum;
mod lmdb;
mod packed;
mod stream;

pub use crop::Crop;
pub(crate) use files::PhotoFiles;
pub(crate) use frame::Framing;
pub(crate) use ignored::is_ignored;
pub(crate) use lmdb::{DATABASE_FILE, LmdbRecords};
pub(crate) use origin::Origin;
pub(crate) use source::PhotoSource;
pub(crate) use stream::PhotoStream;
pub(crate) use tree::{PhotoNames, PhotoTree, no_images};
