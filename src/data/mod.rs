//! Data sets: examples as tensors. Nothing here trains.

mod photo;
mod split;
mod loader;
mod download;
mod npy;
mod mnist;
mod cifar;
mod idx;
mod idx_folder;
mod image_folder;
mod photographs;
mod lmdb_folder;

pub use cifar::{cifar10, cifar10_folder};
pub use idx::Idx;
pub use idx_folder::idx_folder;
pub use image_folder::{ImageFolder, image_folder};
pub use lmdb_folder::lmdb_folder;
pub use loader::Loader;
pub(crate) use loader::{Batch, Batches};
pub use mnist::{fashion_mnist, mnist, mnist_embedded};
pub use npy::{npy_images, npz_images};
pub use photo::Crop;
pub use photographs::photographs;
pub use split::{Dataset, ImageShape, Split};
