//! Tests of `candlebook::data`, one file per source file.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod common;
mod csv;
mod support;
mod caffe;
mod numpy;
mod cifar;
mod split;
mod images;
mod dataset;
mod loader;
mod image_folder;
mod folder_layout;
mod formats;
mod idx;
mod idx_files;
mod lmdb_damage;
mod lmdb_folder;
mod lmdb_structure;
mod mnist;
mod npy;
mod npy_vectors;
mod photographs;
