//! Convolutional networks.

use crate::Fallible;
use crate::data::full_mnist;
use crate::losses::{all, losses};
use candlebook::prelude::*;
use std::path::PathBuf;

/// A convolution of 3 x 3 that keeps height and width.
fn conv(channels: usize) -> Layer {
    Conv2d(channels, 3).padding(1)
}

/// A transposed convolution of 3 x 3 that doubles height and width.
fn up_conv(channels: usize) -> Layer {
    ConvTranspose2d(channels, 3)
        .stride(2)
        .padding(1)
        .output_padding(1)
}

/// Batches of 128 images.
fn settings(epochs: usize) -> Fit {
    Fit {
        epochs,
        batch_size: 128,
        loss: Loss::BinaryCrossEntropy,
        ..all()
    }
}

/// A code of 8 x 4 x 4.
pub(crate) fn conv_16_8_8() -> Fallible<Vec<f64>> {
    let data = full_mnist()?;
    let pool = || MaxPool2d(2).ceil_mode();
    let (wide, narrow) = (conv(16), conv(8));
    let encoder = [
        [wide, Relu, pool()],
        [narrow.clone(), Relu, pool()],
        [narrow.clone(), Relu, pool()],
    ];
    let decoder = [
        [narrow.clone(), Relu, Upsample(2)],
        [narrow, Relu, Upsample(2)],
        // Without padding: 16 x 16 becomes 14 x 14.
        [Conv2d(16, 3), Relu, Upsample(2)],
    ];
    let decoder = [&decoder.concat()[..], &[conv(1), Sigmoid]].concat();
    let mut ae = Autoencoder::new(data.image_shape(), &encoder.concat(), &decoder)?;
    ae.fit(&data, &settings(50))?;
    Ok(vec![ae.evaluate(&data.test)?.into()])
}

/// A network of 28,353 weights, with these layers before the first one.
fn network_32_32(corruption: &[Layer]) -> Fallible<Autoencoder> {
    let half = [conv(32), Relu, MaxPool2d(2)];
    let encoder = [corruption, &half, &half].concat();
    let decoder = [up_conv(32), Relu, up_conv(32), Relu, conv(1), Sigmoid];
    Ok(Autoencoder::new((1, 28, 28), &encoder, &decoder)?)
}

/// The file with the trained network of 28,353 weights.
fn weights_32_32() -> Fallible<PathBuf> {
    let folder = std::env::var_os("CANDLEBOOK_BENCH").ok_or("set CANDLEBOOK_BENCH to a folder")?;
    Ok(PathBuf::from(folder).join("conv-32-32.safetensors"))
}

/// Also saves the network for the row of the denoiser.
pub(crate) fn conv_32_32() -> Fallible<Vec<f64>> {
    let (data, path) = (full_mnist()?, weights_32_32()?);
    let mut ae = network_32_32(&[])?;
    let history = ae.fit(&data, &settings(50))?;
    ae.save(path)?;
    Ok(losses(&ae, &history, &data)?.to_vec())
}

/// Trains the network of the row conv-32-32 on.
pub(crate) fn denoiser() -> Fallible<Vec<f64>> {
    let (data, path) = (full_mnist()?, weights_32_32()?);
    let trained = Autoencoder::load(&path)
        .map_err(|error| format!("{error}. Train the row conv-32-32 first"))?;
    let mut ae = network_32_32(&[GaussianNoise(0.4), Clamp(0.0, 1.0)])?;
    for (weight, trained) in ae.parameters().iter().zip(trained.parameters()) {
        weight.set(&trained)?;
    }
    let history = ae.fit(&data, &settings(100))?;
    let train = history.train_loss().pop().ok_or("no epoch was trained")?;
    Ok(vec![train.into(), noisy_loss(&ae, &data.test)?])
}

/// Loss of noisy images. No layer but the noise acts in training only.
fn noisy_loss(ae: &Autoencoder, split: &Split) -> Fallible<f64> {
    let positions: Vec<usize> = (0..split.len()).collect();
    let mut sum = 0.0;
    for positions in positions.chunks(500) {
        let images = split.images(positions)?;
        let loss = ae.training_loss(&images, Loss::BinaryCrossEntropy)?;
        sum += f64::from(loss.to_scalar::<f32>()?) * positions.len() as f64;
    }
    Ok(sum / split.len() as f64)
}
