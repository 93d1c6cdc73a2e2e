//! Views of a trained model, each of which renders itself.
//!
//! Adds methods to [`Autoencoder`](crate::model::Autoencoder): features and filters, activations,
//! reconstructions, errors, codes, traversals, interpolations, samples of a prior, and neighbors. Offers
//! [`explore`], sliders over the code in the page, and [`jpeg`] as a baseline for learned codes. Uses
//! `data`, `layer`, `loss`, `model` and `show`; never changes a model.

mod activations;
mod features;
mod weights;
mod reconstructions;
mod errors;
mod principal_components;
mod code_map;
mod codes;
mod traversal;
mod interpolation;
mod samples;
mod mixture;
mod prior;
mod neighbors;
mod browser_layer;
mod explorer;
mod jpeg;
mod quantization;

pub use activations::{Activations, LayerActivation};
pub use explorer::{Explorer, explore};
pub use jpeg::{Jpeg, jpeg, jpeg_within};
pub use prior::Prior;
