//! Tests of `candlebook::data`, one file per source file.

mod common;
mod support;
mod cifar;
mod split;
mod dataset;
mod loader;
mod image_folder;
mod idx;
mod lmdb_folder;
mod mnist;
mod npy;
mod photographs;
