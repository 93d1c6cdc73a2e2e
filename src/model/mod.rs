//! Models: settings, layers and objective of each variant.

mod autoencoder;
mod sequential;
mod preset;

pub use autoencoder::Autoencoder;
pub(crate) use autoencoder::{check_input, chunk};
pub use preset::{Pooled, Strided};
pub(crate) use sequential::count_weights;
