//! Writes what `tests/pytorch/check_weights.py` reads: `cargo run --example pytorch_check FOLDER`.

use candlebook::prelude::*;
use std::collections::HashMap;
use std::path::PathBuf;

fn main() -> Result<(), Error> {
    let folder: PathBuf = std::env::args().nth(1).unwrap_or_else(|| ".".into()).into();
    let data = mnist_embedded()?;
    let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(32), Relu, Dropout(0.2)])?;
    ae.fit(&data, &Fit { epochs: 2, ..Default::default() })?;
    ae.save(folder.join("ae.safetensors"))?;
    let originals = data.test.first(100)?;
    let pictures = HashMap::from([("reconstructions", ae.reconstruct(&originals)?), ("originals", originals)]);
    candle::safetensors::save(&pictures, folder.join("pictures.safetensors"))?;
    Ok(())
}
