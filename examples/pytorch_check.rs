//! Exchanges weights and reconstructions with `tests/pytorch/check_weights.py`:
//! `cargo run --example pytorch_check FOLDER`, once before and once after the script.

use candlebook::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Error> {
    let folder: PathBuf = std::env::args().nth(1).unwrap_or_else(|| ".".into()).into();
    let data = mnist_embedded()?.take(2000, 200);
    let layers = [Flatten, Linear(32), Relu, Dropout(0.2)];
    let dense = Autoencoder::symmetric(data.image_shape(), &layers)?;
    let strided = StridedAutoencoder {
        input: data.image_shape(),
        halvings: 2,
        channels: 8,
        ..Default::default()
    }
    .build()?;
    exchange("dense", dense, &data, &folder)?;
    exchange("strided", strided, &data, &folder)?;
    for (name, encoder, decoder) in lists() {
        let ae = Autoencoder::new(data.image_shape(), &encoder, &decoder)?;
        exchange(name, ae, &data, &folder)?;
    }
    Ok(())
}

/// Models with every other layer that has weights.
fn lists() -> [(&'static str, Vec<Layer>, Vec<Layer>); 4] {
    let conv = |channels| Conv2d(channels, 3).padding(1);
    let end = |layer| vec![layer, Sigmoid, Unflatten(1, 28, 28)];
    [
        (
            "sequences",
            vec![
                Patches(7, 7),
                Linear(16),
                Positions,
                Residual(vec![LayerNorm, Attention(2)]),
                Lstm(12),
            ],
            vec![
                Repeat(28),
                LstmSteps(10),
                Linear(28),
                Unpatches(1, 28, (1, 28, 28)),
            ],
        ),
        (
            "normalized",
            vec![conv(4), GroupNorm(2), Silu, Flatten, Linear(12), LayerNorm],
            end(Linear(784)),
        ),
        (
            "quantized",
            vec![Conv2d(4, 4).stride(4), VectorQuantize(16)],
            vec![ConvTranspose2d(1, 4).stride(4), Sigmoid],
        ),
        (
            "tied",
            vec![Flatten, Linear(16), Relu],
            end(Linear(784).tied(1)),
        ),
    ]
}

/// Trains and saves a model with reconstructions, and compares them with those of the weights that
/// PyTorch saved.
fn exchange(name: &str, mut ae: Autoencoder, data: &Dataset, folder: &Path) -> Result<(), Error> {
    let fit = Fit {
        epochs: 2,
        ..Default::default()
    };
    ae.fit(data, &fit)?;
    ae.save(folder.join(format!("{name}.safetensors")))?;
    let originals = data.test.first(100)?;
    let reconstructions = ae.reconstruct(&originals)?;
    let from_pytorch = folder.join(format!("{name}_from_pytorch.safetensors"));
    if from_pytorch.is_file() {
        ae.load_weights(&from_pytorch)?;
        let difference = (ae.reconstruct(&originals)? - &reconstructions)?.abs()?;
        let max = difference.max_all()?.to_scalar::<f32>()?;
        println!("{name}: largest difference with the weights from PyTorch: {max:.2e}");
    }
    let images = HashMap::from([
        ("reconstructions", reconstructions),
        ("originals", originals),
    ]);
    let path = folder.join(format!("{name}_images.safetensors"));
    Ok(candle_core::safetensors::save(&images, path)?)
}
