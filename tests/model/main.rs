//! Models.

mod autoencoder;
mod preset;
