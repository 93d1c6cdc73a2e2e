//! Trains on a folder of images and reports the peak memory:
//! `cargo run --release --example folder -- FOLDER [SIZE [IMAGES [EPOCHS]]]`

use candlebook::data::Crop;
use candlebook::prelude::*;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |nth: usize, default| arguments.get(nth).map_or(Ok(default), |text| text.parse());
    let (Some(folder), Ok(size), Ok(images), Ok(epochs)) = (
        arguments.first(),
        number(1, 64),
        number(2, usize::MAX),
        number(3, 2),
    ) else {
        eprintln!("expected FOLDER [SIZE [IMAGES [EPOCHS]]], got {arguments:?}");
        return ExitCode::FAILURE;
    };
    match train(folder, size, images, epochs) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn train(folder: &str, size: usize, images: usize, epochs: usize) -> Result<(), Error> {
    let settings = PhotoSettings {
        size,
        crop: Crop::Random(0.5),
        flip: true,
        ..Default::default()
    };
    let data = image_folder(folder, &settings)?.take(images, 100);
    let device = best_device();
    let model = PoolingAutoencoder {
        input: data.image_shape(),
        ..Default::default()
    };
    let mut ae = model.build()?.to_device(&device)?;
    let before = ae.evaluate(&data.test)?;
    ae.fit(
        &data,
        &Fit {
            epochs,
            batch_size: 32,
            ..Default::default()
        },
    )?;
    let after = ae.evaluate(&data.test)?;
    println!(
        "{} images of {size} x {size}, {epochs} epochs: test error {before:.4} -> {after:.4}, \
         peak memory {} MB",
        data.train.len(),
        peak_megabytes().map_or("unknown".into(), |megabytes| megabytes.to_string()),
    );
    Ok(())
}

/// The peak memory of this process, if the system reports it.
fn peak_megabytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").trim().parse().ok()?;
    Some(kilobytes / 1024)
}
