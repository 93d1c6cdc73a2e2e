//! Data sets: loaders that return a [`Dataset`] of images as tensors. Nothing here trains.
//!
//! A [`Dataset`] has a training and a test [`Split`]; [`Split::batches`] feeds custom training
//! loops. Loaders: [`mnist`], [`fashion_mnist`], [`cifar10`], [`photographs`], [`image_folder`],
//! [`lmdb_folder`], [`npy_images`], [`npz_images`], [`idx_folder`], [`cifar10_folder`]; for
//! vectors [`Dataset::vectors`], [`csv_vectors`], [`npy_vectors`], [`npz_vectors`].
//! `docs/formats.md` in the repository lists what each reads, and what it refuses with which words.
//!
//! Uses `error`, `cell`, `file`, `math` and `show`; knows no layer and no model.

mod photo;
mod locations;
mod pixels;
mod values;
mod fingerprint;
mod split;
mod selection;
mod split_fingerprint;
mod images;
mod augmentation;
mod transform;
mod augmenter;
mod samples;
mod lookahead;
mod batch;
mod loader;
mod dataset;
mod download;
mod idx_names;
mod idx_files;
mod idx;
mod idx_set;
mod mnist;
mod cifar_search;
mod cifar;
mod array_settings;
mod npy;
mod npy_vectors;
mod csv;
mod photo_settings;
mod split_names;
mod folder_splits;
mod folder_layout;
mod image_folder;
mod photographs;
mod lmdb_folder;
mod transfer;

pub use array_settings::ArraySettings;
pub use augmentation::Augmentation;
pub(crate) use augmenter::Augmenter;
pub(crate) use batch::{Batch, Batches};
pub use cifar::{cifar10, cifar10_folder};
pub use csv::{CsvSettings, csv_vectors};
pub use dataset::Dataset;
pub(crate) use fingerprint::Fingerprint;
pub use idx::{Idx, idx_folder};
pub use image_folder::image_folder;
pub(crate) use images::Augment;
pub use lmdb_folder::lmdb_folder;
pub use loader::Loader;
pub use mnist::{fashion_mnist, mnist, mnist_embedded};
pub use npy::{npy_images, npz_images};
pub use npy_vectors::{npy_vectors, npz_vectors};
pub use photo::Crop;
pub use photo_settings::PhotoSettings;
pub use photographs::photographs;
pub(crate) use samples::vectors_as_lines;
pub(crate) use split::is_vector;
pub use split::{ImageShape, Split};
pub(crate) use values::{floats, to_finite, to_pixels};
