//! Autoencoders in a Jupyter notebook: data sets, models, training, images and plots on candle.
//!
//! The flow goes one way: [`data`] -> [`model`], two lists of [`layer`]s -> [`train`] ->
//! [`mod@show`], [`look`] and weights files. The kernel imports the [`prelude`] before the first cell:
//!
//! ```no_run
//! # use candlebook::prelude::*;
//! let data = mnist()?;
//! let layers = [Flatten, Linear(128), Relu, Dropout(0.2)];
//! let mut ae = Autoencoder::symmetric(data.image_shape(), &layers)?;
//! let history = ae.fit(&data, &Fit { epochs: 10, ..Default::default() })?;
//! show(ae.reconstructions(&data.test, 10)?);
//! show(ae.features()?);
//! ae.save("mnist_ae.safetensors")?;
//! # Ok::<(), candlebook::Error>(())
//! ```
//!
//! Candlebook is not a framework: [`Autoencoder::variables`] returns ordinary candle `Var`s, and
//! every image is a candle tensor.

pub mod error;
pub mod device;
pub mod cell;
mod lock;
mod candle_threads;
mod cpu_values;
mod file;
pub mod math;
pub mod dist;
pub mod show;
pub mod data;
pub mod layer;
pub mod loss;
pub mod optim;
mod plan;
pub mod model;
mod export;
pub mod look;
pub mod evaluate;
mod run_log;
pub mod train;
pub mod runs;
pub mod prelude;

pub use anyhow;
pub use candle_core;
pub use candle_nn;
pub use cell::{leave_if_interrupted, stopped};
pub use data::{Dataset, Split, mnist};
pub use device::best_device;
pub use error::{Error, Result};
pub use file::Limits;
pub use layer::Layer;
pub use model::Autoencoder;
pub use show::{Show, show};
#[doc(hidden)]
pub use show::{part, store};
pub use train::{Fit, History};
