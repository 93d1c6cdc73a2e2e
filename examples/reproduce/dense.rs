//! Dense networks.

use crate::Fallible;
use crate::data::{full_fashion_mnist, full_mnist};
use crate::losses::{all, losses};
use candlebook::prelude::*;

/// Test loss on MNIST of a network with these layers and their mirror.
fn mnist_bce(encoder: &[Layer], epochs: usize) -> Fallible<Vec<f64>> {
    let data = full_mnist()?;
    let mut ae = Autoencoder::symmetric(data.image_shape(), encoder)?;
    let fit = Fit {
        epochs,
        batch_size: 256,
        loss: Loss::BinaryCrossEntropy,
        ..all()
    };
    let history = ae.fit(&data, &fit)?;
    let [_, test] = losses(&ae, &history, &data)?;
    Ok(vec![test])
}

pub(crate) fn dense() -> Fallible<Vec<f64>> {
    mnist_bce(&[Flatten, Linear(32), Relu], 50)
}

pub(crate) fn deep() -> Fallible<Vec<f64>> {
    let encoder = [
        Flatten,
        Linear(128),
        Relu,
        Linear(64),
        Relu,
        Linear(32),
        Relu,
    ];
    mnist_bce(&encoder, 100)
}

pub(crate) fn fashion() -> Fallible<Vec<f64>> {
    let data = full_fashion_mnist()?;
    let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(64), Relu])?;
    let fit = Fit {
        epochs: 10,
        batch_size: 32,
        loss: Loss::Mse,
        ..all()
    };
    let history = ae.fit(&data, &fit)?;
    Ok(losses(&ae, &history, &data)?.to_vec())
}
