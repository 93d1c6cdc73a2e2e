//! Convolutional networks.

use crate::Fallible;
use crate::data::full_mnist;
use crate::losses::{all, losses};
use candlebook::prelude::*;

/// Encoder and decoder of 28,353 weights.
fn layers_32_32() -> ([Layer; 6], [Layer; 6]) {
    let conv = |channels| Conv2d(channels, 3).padding(1);
    let up = || {
        ConvTranspose2d(32, 3)
            .stride(2)
            .padding(1)
            .output_padding(1)
    };
    (
        [conv(32), Relu, MaxPool2d(2), conv(32), Relu, MaxPool2d(2)],
        [up(), Relu, up(), Relu, conv(1), Sigmoid],
    )
}

pub(crate) fn conv_32_32() -> Fallible<Vec<f64>> {
    let data = full_mnist()?;
    let (encoder, decoder) = layers_32_32();
    let mut ae = Autoencoder::new(data.image_shape(), &encoder, &decoder)?;
    let fit = Fit {
        epochs: 50,
        batch_size: 128,
        loss: Loss::BinaryCrossEntropy,
        ..all()
    };
    let history = ae.fit(&data, &fit)?;
    Ok(losses(&ae, &history, &data)?.to_vec())
}
