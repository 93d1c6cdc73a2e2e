//! A training step takes no memory of its own: what it needs is there from the start.

use candlebook::prelude::*;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes taken by an epoch of so many steps.
fn taken(steps: usize) -> usize {
    let data = mnist_embedded().unwrap().take(20 * steps, 10);
    // Without dense layers: gemm takes and gives back memory in every product.
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
        batch: 20,
        validation: 0.0,
        ..Default::default()
    };
    let region = Region::new(ALLOCATOR);
    ae.fit(&data, &fit).unwrap();
    region.change().bytes_allocated
}

#[test]
fn more_steps_take_no_more_memory() {
    // Threads and what they keep are there from then on.
    taken(10);
    let (few, many) = (taken(10), taken(30));
    // The values of one batch's pictures.
    let pictures = 4 * 20 * 784;
    assert!(
        few > pictures,
        "{few} bytes: this allocator is not the one in use"
    );
    // Where the pictures of a batch stand, and sums of channels.
    assert!(
        many < few + 20 * 8192,
        "{few} bytes for 10 steps, {many} for 30"
    );
}
