//! Model files that other programs can read.
//!
//! Uses `error`, `file`, `show`, `layer`, `loss` and `model`; knows no training loop. Offers
//! [`Autoencoder::save`], [`Autoencoder::load`] and their variants, and functions for checkpoints:
//! a weights file with the state of a training run.
//!
//! [`Autoencoder::save`]: crate::model::Autoencoder::save
//! [`Autoencoder::load`]: crate::model::Autoencoder::load

mod safetensors;
mod other_format;
mod floats;
mod names;
mod mismatch;
mod remarks;
mod architecture;
mod save;
mod load;

pub(crate) use architecture::Architecture;
pub(crate) use load::read_run;
pub(crate) use safetensors::NamedTensor;
pub(crate) use save::{SavedRun, write};
