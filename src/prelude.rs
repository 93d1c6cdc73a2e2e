//! What the kernel imports before the first cell: the names notebooks use.

pub use crate::cell::stopped;
pub use crate::data::{Dataset, ImageShape, Split, idx_folder};
pub use crate::device::best_device;
pub use crate::display::{Content, Handle, Show, clear_output, show};
pub use crate::display::{ShowDebug as _, ShowValues as _};
pub use crate::error::Error;
pub use crate::explore::{Explorer, explore};
pub use crate::history::{Epoch, History};
pub use crate::image::Image;
pub use crate::input::{input, password};
pub use crate::layer::Layer::{self, *};
pub use crate::layer::{Conv, ConvTranspose};
pub use crate::look::Activations;
pub use crate::loss::Loss;
pub use crate::media::{animation, audio, html, json, latex, markdown, sound, svg, video};
pub use crate::mnist::{fashion_mnist, mnist, mnist_embedded};
pub use crate::model::Autoencoder;
pub use crate::montage::{Montage, Pictures, Scale};
pub use crate::numbers::Numbers;
pub use crate::plot::{Marker, Plot, Plots};
pub use crate::progress::{Progress, progress};
pub use crate::table::Table;
pub use crate::train::Fit;
pub use candle_core::{self as candle, D, DType, Device, IndexOp, Tensor, Var};
pub use candle_nn;
