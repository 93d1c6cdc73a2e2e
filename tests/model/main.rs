//! Tests of `model`: autoencoders and ready architectures.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod autoencoder;
mod conditional;
mod dead_units;
mod forward_labeled;
mod evaluate;
mod forward;
mod init;
mod masked;
mod pooling;
mod reconstruct;
mod strided;
mod summary;
mod tied;
mod unpooling;
mod vector_quantized;
mod vectors;
