//! Trains a small autoencoder on a device: `cargo run --example device -- --device cpu|cuda|metal|best`.

use candlebook::device::name;
use candlebook::model::Init;
use candlebook::prelude::*;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let choice = match arguments.as_slice() {
        [] => "best".to_owned(),
        ["--device", choice] => (*choice).to_owned(),
        other => other.join(" "),
    };
    match device(&choice).and_then(|device| train(&device).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("device: {error}");
            ExitCode::FAILURE
        }
    }
}

fn device(choice: &str) -> Result<Device, String> {
    let best = best_device();
    let opened = match choice {
        "cpu" => return Ok(Device::Cpu),
        "best" => return Ok(best),
        "cuda" if best.is_cuda() => return Ok(best),
        "metal" if best.is_metal() => return Ok(best),
        // Fails with the reason why there is no CUDA device.
        "cuda" => Device::new_cuda(0),
        "metal" if cfg!(not(feature = "metal")) => {
            Err(candle_core::Error::NotCompiledWithMetalSupport)
        }
        "metal" => {
            return Err("expected a metal device, got none. Use --device best or cpu".into());
        }
        _ => {
            return Err(format!(
                "expected --device cpu, cuda, metal or best, got {choice}. Use --device best"
            ));
        }
    };
    opened.map_err(|error| {
        let error = Error::from(error);
        format!("expected a {choice} device, got {error}. Use --device best or cpu")
    })
}

/// Trains for a few epochs on the embedded photographs and checks that the test error falls.
fn train(device: &Device) -> Result<(), Error> {
    let data = photographs(16)?.take(500, 100);
    let init = Init {
        device: device.clone(),
        ..Default::default()
    };
    let mut ae = PoolingAutoencoder {
        input: data.image_shape(),
        code: 32,
        init,
        ..Default::default()
    }
    .build()?;
    let before = ae.evaluate(&data.test)?;
    ae.fit(
        &data,
        &Fit {
            epochs: 4,
            batch_size: 25,
            learning_rate: 3e-3,
            ..Default::default()
        },
    )?;
    let after = ae.evaluate(&data.test)?;
    println!("{}: test error {before:.5} -> {after:.5}", name(device));
    if after < before {
        return Ok(());
    }
    Err(Error::Candle(format!(
        "expected the test error to fall, got {before} -> {after}"
    )))
}
