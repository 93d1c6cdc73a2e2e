//! Tests of `model`: autoencoders and ready architectures.

mod autoencoder;
mod pooling;
mod reconstruct;
mod strided;
mod summary;
