//! Autoencoder experiments in a Jupyter notebook: data, models, training, pictures and plots that show inline, on candle.
//!
//! The flow goes one way: [`data`] -> [`model`] (two lists of [`layer`]s) -> [`train`] -> show ([`montage`], [`plot`]) and
//! export ([`checkpoint`]). The candlebook kernel imports the [`prelude`] before the first cell:
//!
//! ```no_run
//! # use candlebook::prelude::*;
//! let data = mnist()?;
//! let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(128), Relu, Dropout(0.2)])?;
//! let history = ae.fit(&data, &Fit { epochs: 10, ..Default::default() })?;
//! show(ae.reconstructions(&data.test, 10)?);
//! show(ae.features()?);
//! ae.save("mnist_ae.safetensors")?;
//! # Ok::<(), candlebook::Error>(())
//! ```
//!
//! It is not a framework: [`model::Autoencoder::variables`] hands back candle's own variables, and every picture is a
//! candle tensor.
#![warn(missing_docs)]

pub mod error;
pub mod device;
pub mod cell;
mod lock;
mod file;
pub mod math;
pub mod show;
pub mod data;
pub mod layer;
pub mod loss;
pub mod optim;
mod plan;
pub mod model;
mod export;
pub mod look;
pub mod train;
pub mod prelude;

pub use candle_core as candle;
pub use cell::stopped;
pub use data::idx_folder;
pub use data::lmdb_folder;
pub use data::photographs;
pub use data::{ArraySettings, npy_images, npz_images};
pub use data::{Dataset, Split};
pub use data::{PhotoSettings, image_folder};
pub use data::{cifar10, cifar10_folder};
pub use data::{fashion_mnist, mnist, mnist_embedded};
pub use device::best_device;
pub use error::{Error, Result};
pub use look::explore;
pub use look::{jpeg, jpeg_within};
pub use model::Autoencoder;
pub use show::progress;
pub use show::show;
pub use show::{animation, audio, html, json, latex, markdown, sound, svg, video};
pub use train::Fit;
