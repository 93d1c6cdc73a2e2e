//! Data sets.

mod common;
mod cifar;
mod split;
mod image_folder;
mod idx;
mod idx_folder;
mod lmdb_folder;
mod mnist;
mod npy;
mod photographs;
