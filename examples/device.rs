//! Trains a small autoencoder on a device of choice: `cargo run --example device -- --device cpu|cuda|metal|best`.

use candlebook::device::name;
use candlebook::optim::{Adam, Optimizer};
use candlebook::prelude::*;
use candlebook::rng::{Rng, Stream};
use std::process::ExitCode;

const PIXELS: usize = 64;
const HIDDEN: usize = 16;
const BATCH: usize = 128;
const STEPS: usize = 100;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
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
        "metal" => return Err("expected a metal device, got none. Use --device best or cpu".into()),
        _ => return Err(format!("expected --device cpu, cuda, metal or best, got {wanted}. Use --device best")),
    };
    opened.map_err(|error| format!("expected a {wanted} device, got {}. Use --device best or cpu", Error::from(error)))
}

/// Some steps on pictures that have fewer degrees of freedom than the code has numbers.
fn train(device: &Device) -> Result<(), Error> {
    let mut rng = Rng::new(42, Stream::Init);
    let mut draw = |rows: usize, columns: usize, range: f32| {
        Tensor::from_vec(rng.uniform(rows * columns, -range, range), (rows, columns), device)
    };
    // (batch, 4) x (4, pixels) -> (batch, pixels), in (0, 1)
    let pictures = candle_nn::ops::sigmoid(&draw(BATCH, 4, 2.0)?.matmul(&draw(4, PIXELS, 1.0)?)?)?;
    let encoder = Var::from_tensor(&draw(PIXELS, HIDDEN, 0.2)?)?;
    let decoder = Var::from_tensor(&draw(HIDDEN, PIXELS, 0.2)?)?;
    let adam = Adam { learning_rate: 1e-2, ..Default::default() };
    let mut optimizer = Optimizer::new(vec![encoder.clone(), decoder.clone()], adam)?;
    let mut losses = Vec::new();
    for _ in 0..STEPS {
        // (batch, pixels) -> (batch, hidden) -> (batch, pixels)
        let code = pictures.matmul(&encoder)?.relu()?;
        let loss = (candle_nn::ops::sigmoid(&code.matmul(&decoder)?)? - &pictures)?.sqr()?.mean_all()?;
        optimizer.backward_step(&loss)?;
        losses.push(loss.to_scalar::<f32>()?);
    }
    println!("{}: loss {:.5} at first, {:.5} after {STEPS} steps", name(device), losses[0], losses[STEPS - 1]);
    Ok(())
}
