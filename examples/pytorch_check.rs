//! Writes what `tests/pytorch/check_weights.py` reads, and reads what that wrote: `cargo run --example pytorch_check FOLDER`.

use candlebook::prelude::*;
use std::collections::HashMap;
use std::path::PathBuf;

fn main() -> Result<(), Error> {
    let folder: PathBuf = std::env::args().nth(1).unwrap_or_else(|| ".".into()).into();
    let data = mnist_embedded()?.take(2000, 200);
    let dense = Autoencoder::symmetric(
        data.image_shape(),
        &[Flatten, Linear(32), Relu, Dropout(0.2)],
    )?;
    let strided = Strided {
        input: data.image_shape(),
        halvings: 2,
        maps: 8,
        ..Default::default()
    }
    .build()?;
    for (name, mut ae) in [("dense", dense), ("strided", strided)] {
        ae.fit(
            &data,
            &Fit {
                epochs: 2,
                ..Default::default()
            },
        )?;
        ae.save(folder.join(format!("{name}.safetensors")))?;
        let originals = data.test.first(100)?;
        let drawn = ae.reconstruct(&originals)?;
        // What PyTorch wrote, when it was here before.
        let theirs = folder.join(format!("{name}_from_pytorch.safetensors"));
        if theirs.is_file() {
            ae.load_weights(&theirs)?;
            let apart = (ae.reconstruct(&originals)? - &drawn)?
                .abs()?
                .max_all()?
                .to_scalar::<f32>()?;
            println!("{name}: largest difference after PyTorch's file was read: {apart:.2e}");
        }
        let pictures = HashMap::from([("reconstructions", drawn), ("originals", originals)]);
        candle::safetensors::save(
            &pictures,
            folder.join(format!("{name}_pictures.safetensors")),
        )?;
    }
    Ok(())
}
