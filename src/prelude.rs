//! What the kernel imports before the first cell: the names notebooks use.

pub use crate::cell::stopped;
pub use crate::data::Crop;
pub use crate::data::idx_folder;
pub use crate::data::lmdb_folder;
pub use crate::data::photographs;
pub use crate::data::{Dataset, ImageShape, Split};
pub use crate::data::{ImageFolder, image_folder};
pub use crate::data::{cifar10, cifar10_folder};
pub use crate::data::{fashion_mnist, mnist, mnist_embedded};
pub use crate::data::{npy_images, npz_images};
pub use crate::device::best_device;
pub use crate::error::Error;
pub use crate::layer::Layer::{self, *};
// The functions shadow the variants of the same name.
pub use crate::layer::{Conv2d, ConvTranspose2d};
pub use crate::look::Activations;
pub use crate::look::{Explorer, explore};
pub use crate::look::{Jpeg, jpeg, jpeg_within};
pub use crate::loss::Loss;
pub use crate::model::Autoencoder;
pub use crate::model::{PoolingAutoencoder, StridedAutoencoder};
pub use crate::optim::Optim;
pub use crate::show::Image;
pub use crate::show::Numbers;
pub use crate::show::Table;
pub use crate::show::{Content, Handle, Show, clear_output, show};
pub use crate::show::{Images, Montage, Scale};
pub use crate::show::{Marker, Plot, Plots};
pub use crate::show::{Progress, progress};
pub use crate::show::{ShowDebug as _, ShowValues as _};
pub use crate::show::{animation, audio, html, json, latex, markdown, sound, svg, video};
pub use crate::show::{input, password};
pub use crate::train::Fit;
pub use crate::train::{Epoch, History};
pub use candle_core::{self as candle, D, DType, Device, IndexOp, Tensor, Var};
pub use candle_nn;
