//! Burn's side of the training benchmark: the same models, batches and steps as `training.rs`, one
//! run per process.
//!
//! usage: candlebook-bench-burn MODEL VARIANT MODE STEPS REPEATS
//! MODEL: m1 | m2 | m4 | small | wide
//! MODE: train | infer

mod network;

use burn::module::Module;
use burn::nn::loss::{MseLoss, Reduction};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use network::Network;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// That of the kernel's cells.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, variant, mode, steps, repeats] = arguments.as_slice() else {
        return Err("expected MODEL VARIANT MODE STEPS REPEATS".into());
    };
    let batch_size = match std::env::var("BATCH") {
        Ok(text) => text.parse()?,
        Err(_) => 128,
    };
    let device = Device::flex();
    let device = match mode.as_str() {
        "train" => device.autodiff(),
        "infer" => device,
        other => return Err(format!("expected train or infer, got {other}").into()),
    };
    device.seed(0);
    let benchmark = Benchmark {
        network: Network::new(model, &device)?,
        digits: digits(&device)?,
        device,
        steps: steps.parse()?,
        repeats: repeats.parse()?,
        batch_size,
    };
    let Measured { speeds, losses } = match mode.as_str() {
        "train" => benchmark.train(),
        _ => benchmark.infer(),
    };
    let result = serde_json::json!({
        "model": model, "variant": variant, "mode": mode, "speeds": speeds, "losses": losses,
        "peak_mb": peak_mb()?,
    });
    println!("{result}");
    Ok(())
}

/// Benchmark of one model.
struct Benchmark {
    network: Network,
    /// One in a row.
    digits: Tensor<2>,
    device: Device,
    steps: usize,
    repeats: usize,
    batch_size: usize,
}

/// Images per second and mean loss of each repeat.
#[derive(Default)]
struct Measured {
    speeds: Vec<f64>,
    losses: Vec<f64>,
}

impl Measured {
    fn add(&mut self, images: usize, start: Instant, loss: f64) {
        self.speeds
            .push(images as f64 / start.elapsed().as_secs_f64());
        self.losses.push(loss);
    }
}

impl Benchmark {
    /// Trains for as many whole epochs as the steps need. The first run is a warm-up.
    fn train(self) -> Measured {
        let [images, _] = self.digits.dims();
        let batches = images / self.batch_size;
        let epochs = self.steps.div_ceil(batches);
        // PyTorch's epsilon.
        let mut optimizer = AdamConfig::new().with_epsilon(1e-8).init();
        let mut network = self.network;
        let mut measured = Measured::default();
        for repeat in 0..=self.repeats {
            let (start, mut loss_sum) = (Instant::now(), 0.0);
            for _ in 0..epochs {
                let order =
                    Tensor::<1>::random([images], Distribution::Default, &self.device).argsort(0);
                for batch in 0..batches {
                    let positions = batch * self.batch_size..(batch + 1) * self.batch_size;
                    let xs = self
                        .digits
                        .clone()
                        .select(0, order.clone().slice([positions]));
                    let output = network.forward(xs.clone());
                    let loss = MseLoss::new().forward(output, xs, Reduction::Mean);
                    let gradients = GradientsParams::from_grads(loss.backward(), &network);
                    network = optimizer.step(1e-3, network, gradients);
                    loss_sum += loss.into_scalar::<f64>();
                }
            }
            if repeat > 0 {
                measured.add(
                    epochs * batches * self.batch_size,
                    start,
                    loss_sum / (epochs * batches) as f64,
                );
            }
        }
        measured
    }

    fn infer(self) -> Measured {
        let [images, _] = self.digits.dims();
        let count = (images / self.batch_size).clamp(1, 8);
        let network = self.network.valid();
        let batches: Vec<Tensor<2>> = (0..count)
            .map(|i| {
                self.digits
                    .clone()
                    .slice([i * self.batch_size..(i + 1) * self.batch_size])
            })
            .collect();
        let mut measured = Measured::default();
        for repeat in 0..=self.repeats {
            let start = Instant::now();
            for i in 0..self.steps {
                std::hint::black_box(network.forward(batches[i % count].clone()));
            }
            if repeat > 0 {
                measured.add(self.steps * self.batch_size, start, 0.0);
            }
        }
        measured
    }
}

/// The digits of `CANDLEBOOK_DATA`, or the 5,000 of the helper crate, with values in [0, 1].
fn digits(device: &Device) -> Fallible<Tensor<2>> {
    let folder = std::env::var_os("CANDLEBOOK_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/mnist5k"),
        PathBuf::from,
    );
    let plain = folder.join("train-images-idx3-ubyte");
    let bytes = if plain.exists() {
        std::fs::read(plain)?
    } else {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(plain.with_extension("gz"))?;
        flate2::read::GzDecoder::new(file).read_to_end(&mut bytes)?;
        bytes
    };
    let pixels: Vec<f32> = bytes[16..]
        .iter()
        .map(|&byte| f32::from(byte) / 255.0)
        .collect();
    let images = pixels.len() / 784;
    Ok(Tensor::from_data(
        TensorData::new(pixels, [images, 784]),
        device,
    ))
}

/// Peak resident memory of this process.
fn peak_mb() -> Fallible<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kilobytes.unwrap_or(0.0) / 1024.0)
}
