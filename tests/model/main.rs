//! Tests of `model`: autoencoders and ready architectures.

mod autoencoder;
mod evaluate;
mod pooling;
mod reconstruct;
mod strided;
mod summary;
mod unpooling;
