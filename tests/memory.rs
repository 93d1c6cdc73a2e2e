//! The planned training step allocates nothing: its buffers exist from the start.
#![allow(clippy::unwrap_used, unreachable_pub)]

use candlebook::prelude::*;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes allocated by an epoch of `steps` steps.
fn allocated(steps: usize) -> usize {
    let data = mnist_embedded().unwrap().take(20 * steps, 10);
    // Without dense layers: gemm allocates and frees memory in every product.
    let conv = Conv2d(4, 3).padding(1);
    let encoder = [
        conv.clone().stride(2),
        BatchNorm,
        Relu,
        Dropout(0.2),
        MaxPool2d(2),
        Residual(vec![conv]),
    ];
    let mut ae = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
    let fit = Fit {
        epochs: 1,
        batch_size: 20,
        validation_split: 0.0,
        ..Default::default()
    };
    let region = Region::new(ALLOCATOR);
    ae.fit(&data, &fit).unwrap();
    region.change().bytes_allocated
}

#[test]
fn more_steps_allocate_no_more_memory() {
    // The first run starts the threads and allocates their buffers.
    allocated(10);
    // After training, both measure their units on 1,000 images.
    let (few, many) = (allocated(50), allocated(70));
    // Bytes of one batch of images.
    let batch_bytes = 4 * 20 * 784;
    assert!(
        few > batch_bytes,
        "{few} bytes: the counting allocator is not in use"
    );
    // Each step allocates the positions of its batch, and sums of channels.
    assert!(
        many < few + 20 * 8192,
        "{few} bytes for 50 steps, {many} for 70"
    );
}
