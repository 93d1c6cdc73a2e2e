//! Trains a small autoencoder on a device of choice: `cargo run --example device -- --device cpu|cuda|metal|best`.

use candlebook::device::name;
use candlebook::prelude::*;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => "best".to_owned(),
        ["--device", wanted] => (*wanted).to_owned(),
        other => other.join(" "),
    };
    match device(&wanted).and_then(|device| train(&device).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("device: {error}");
            ExitCode::FAILURE
        }
    }
}

fn device(wanted: &str) -> Result<Device, String> {
    let best = best_device();
    let opened = match wanted {
        "cpu" => return Ok(Device::Cpu),
        "best" => return Ok(best),
        "cuda" if best.is_cuda() => return Ok(best),
        "metal" if best.is_metal() => return Ok(best),
        // Only to hear why there is none.
        "cuda" => Device::new_cuda(0),
        "metal" if cfg!(not(feature = "metal")) => Err(candle::Error::NotCompiledWithMetalSupport),
        "metal" => {
            return Err("expected a metal device, got none. Use --device best or cpu".into());
        }
        _ => {
            return Err(format!(
                "expected --device cpu, cuda, metal or best, got {wanted}. Use --device best"
            ));
        }
    };
    opened.map_err(|error| {
        format!(
            "expected a {wanted} device, got {}. Use --device best or cpu",
            Error::from(error)
        )
    })
}

/// A few epochs of the photographs inside the crate; the summary says where it runs.
fn train(device: &Device) -> Result<(), Error> {
    let data = photographs(16)?.take(500, 100);
    let model = Pooled {
        input: data.image_shape(),
        code: 32,
        ..Default::default()
    }
    .build()?;
    let mut ae = model.to_device(device)?;
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
