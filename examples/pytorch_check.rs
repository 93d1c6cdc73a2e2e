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
    exchange("strided", strided, &data, &folder)
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
