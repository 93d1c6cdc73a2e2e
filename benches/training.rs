//! One run of one training benchmark, in a process of its own; `training.py` starts many and compares them.
//!
//! usage: training MODEL VARIANT MODE STEPS REPEATS
//! MODEL m1 | m2 | m3 | m4 | small | wide | post, VARIANT compiled | autograd | candle-nn, MODE train | infer. Prints one line of JSON. `gemm` instead of
//! all of that measures what a matrix product of this machine can do at best.

use candle_nn::{AdamW, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap};
use candlebook::prelude::*;
use candlebook::{idx_folder, math};
use std::time::Instant;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["gemm"] => gemm(),
        [model, variant, mode, steps, repeats] => {
            run(model, variant, mode, steps.parse()?, repeats.parse()?)
        }
        _ => {
            // As `cargo bench` starts it.
            println!("started by: cargo xtask bench training");
            Ok(())
        }
    }
}

fn digits() -> Fallible<Dataset> {
    Ok(match std::env::var_os("CANDLEBOOK_DATA") {
        Some(folder) => idx_folder(folder)?,
        None => mnist_embedded()?,
    })
}

/// Pictures in colour, of which only the size counts.
fn noise(pictures: usize, side: usize) -> Fallible<Dataset> {
    let mut draws = math::Rng::new(0, math::Purpose::Noise);
    let mut split = |n: usize| {
        let bytes = (0..n * 3 * side * side)
            .map(|_| (draws.unit() * 256.0) as u8)
            .collect();
        Split::from_bytes(bytes, (3, side, side), None)
    };
    Ok(Dataset::new("noise", "", split(pictures)?, split(8)?)?)
}

fn widths(model: &str) -> Fallible<Vec<usize>> {
    Ok(match model {
        "m1" => vec![784, 128, 784],
        "m2" => vec![784, 512, 128, 32, 128, 512, 784],
        // A network so small that what surrounds the arithmetic counts.
        "small" => vec![784, 32, 784],
        "wide" => vec![784, 4096, 784],
        "m3" | "m4" | "post" => Vec::new(),
        other => {
            return Err(
                format!("expected m1, m2, m3, m4, small, wide or post, got {other}").into(),
            );
        }
    })
}

fn run(model: &str, variant: &str, mode: &str, steps: usize, repeats: usize) -> Fallible<()> {
    let widths = widths(model)?;
    let (batch, data) = match model {
        "m3" => (32, noise(1024, 64)?),
        "post" => (8, noise(64, 224)?),
        _ => (128, digits()?),
    };
    let batch = std::env::var("BATCH")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(batch);
    let (speeds, losses) = match variant {
        "candle-nn" if widths.is_empty() => {
            return Err("candle-nn is compared on m1 and m2 only".into());
        }
        "candle-nn" => plain(&widths, &data, mode, steps, repeats, batch)?,
        _ => ours(
            model,
            &widths,
            &data,
            variant == "compiled",
            mode,
            steps,
            repeats,
            batch,
        )?,
    };
    let peak = std::fs::read_to_string("/proc/self/status")?
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .split_whitespace()
                .next()?
                .parse::<f64>()
                .ok()
        })
        .unwrap_or(0.0);
    println!(
        "{}",
        serde_json::json!({ "model": model, "variant": variant, "mode": mode, "speeds": speeds, "losses": losses, "peak_mb": peak / 1024.0 })
    );
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "the arguments of the program")]
fn ours(
    model: &str,
    widths: &[usize],
    data: &Dataset,
    compiled: bool,
    mode: &str,
    steps: usize,
    repeats: usize,
    batch: usize,
) -> Fallible<(Vec<f64>, Vec<f64>)> {
    let (input, encoder, decoder) = layers(model, widths);
    let mut ae = Autoencoder::new(input, &encoder, &decoder)?;
    let (mut speeds, mut losses) = (Vec::new(), Vec::new());
    if mode == "infer" {
        let batches: Vec<Tensor> = (0..8)
            .map(|i| {
                data.train
                    .images(&(i * batch..(i + 1) * batch).collect::<Vec<_>>())
            })
            .collect::<Result<_, _>>()?;
        for repeat in 0..=repeats {
            let start = Instant::now();
            for i in 0..steps {
                std::hint::black_box(ae.reconstruct(&batches[i % 8])?);
            }
            if repeat > 0 {
                speeds.push((steps * batch) as f64 / start.elapsed().as_secs_f64());
            }
        }
        return Ok((speeds, losses));
    }
    // Steps without validation; whole epochs of the pictures, as many as the steps need.
    let pictures = data.train.len() / batch * batch;
    let epochs = (steps * batch).div_ceil(pictures);
    let set = Dataset::new(
        "benchmark",
        "",
        data.train.take(pictures),
        data.test.clone(),
    )?;
    let fit = Fit {
        epochs: epochs * (repeats + 1),
        batch,
        validation: 0.0,
        compiled,
        ..Default::default()
    };
    let history = ae.fit(&set, &fit)?;
    for part in history.epochs.chunks(epochs).skip(1) {
        let seconds: f64 = part
            .iter()
            .map(|epoch| pictures as f64 / epoch.images_per_second)
            .sum();
        speeds.push((pictures * epochs) as f64 / seconds);
        losses.push(
            part.iter()
                .map(|epoch| f64::from(epoch.train_loss))
                .sum::<f64>()
                / epochs as f64,
        );
    }
    Ok((speeds, losses))
}

/// The layers of a model, as the reference has them.
fn layers(model: &str, widths: &[usize]) -> (ImageShape, Vec<Layer>, Vec<Layer>) {
    let half = |out| Conv2d(out, 3).stride(2).padding(1);
    let double = |out| {
        ConvTranspose2d(out, 3)
            .stride(2)
            .padding(1)
            .output_padding(1)
    };
    match model {
        "m3" => pooled(64, 256),
        "post" => pooled(224, 64),
        "m4" => (
            (1, 28, 28),
            vec![half(16), Relu, half(32), Relu, Flatten, Linear(32)],
            vec![
                Linear(32 * 49),
                Relu,
                Unflatten(32, 7, 7),
                double(16),
                Relu,
                double(1),
                Sigmoid,
            ],
        ),
        // A ReLU after every layer but the last, dropout in m1.
        _ => {
            let layer = |&width: &usize| {
                if model == "m1" {
                    vec![Linear(width), Relu, Dropout(0.2)]
                } else {
                    vec![Linear(width), Relu]
                }
            };
            let middle = widths.len() / 2;
            let encoder = std::iter::once(Flatten)
                .chain(widths[1..=middle].iter().flat_map(layer))
                .collect();
            let mut decoder: Vec<Layer> = widths[middle + 1..widths.len() - 1]
                .iter()
                .flat_map(layer)
                .collect();
            decoder.extend([Linear(784), Sigmoid, Unflatten(1, 28, 28)]);
            ((1, 28, 28), encoder, decoder)
        }
    }
}

/// The post's network at a size.
fn pooled(side: usize, code: usize) -> (ImageShape, Vec<Layer>, Vec<Layer>) {
    let same = |out| Conv2d(out, 3).padding(1);
    let quarter = side / 4;
    (
        (3, side, side),
        vec![
            same(12),
            Relu,
            same(12),
            Relu,
            MaxPool2d(2),
            same(24),
            Relu,
            MaxPool2d(2),
            Flatten,
            Linear(code),
        ],
        vec![
            Linear(24 * quarter * quarter),
            Unflatten(24, quarter, quarter),
            MaxUnpool2d(2),
            same(12),
            Relu,
            MaxUnpool2d(2),
            same(12),
            Relu,
            same(3),
        ],
    )
}

/// candle-nn as its documentation shows it.
fn plain(
    widths: &[usize],
    data: &Dataset,
    mode: &str,
    steps: usize,
    repeats: usize,
    batch: usize,
) -> Fallible<(Vec<f64>, Vec<f64>)> {
    let variables = VarMap::new();
    let builder = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
    let layers = widths.windows(2).enumerate();
    let layers = layers
        .map(|(i, w)| candle_nn::linear(w[0], w[1], builder.pp(i)))
        .collect::<Result<Vec<_>, _>>()?;
    let dropout = candle_nn::Dropout::new(0.2);
    let forward = |xs: &Tensor, train: bool| -> Result<Tensor, candle::Error> {
        let mut xs = xs.clone();
        for (i, layer) in layers.iter().enumerate() {
            xs = layer.forward(&xs)?;
            if i + 1 < layers.len() {
                xs = xs.relu()?;
                if widths.len() == 3 {
                    xs = dropout.forward(&xs, train)?;
                }
            }
        }
        candle_nn::ops::sigmoid(&xs)
    };
    let mut optimizer = AdamW::new(
        variables.all_vars(),
        ParamsAdamW {
            lr: 1e-3,
            weight_decay: 0.0,
            ..Default::default()
        },
    )?;
    let images = data.train.first(data.train.len())?.flatten_from(1)?;
    let n = images.dim(0)? / batch * batch;
    let mut order = math::Rng::new(0, math::Purpose::Shuffle);
    let (mut speeds, mut losses, mut at, mut shuffled) =
        (Vec::new(), Vec::new(), n, images.clone());
    for repeat in 0..=repeats {
        let (start, mut sum) = (Instant::now(), 0.0);
        for _ in 0..steps {
            if at + batch > n {
                let permutation: Vec<u32> =
                    order.permutation(n).into_iter().map(|i| i as u32).collect();
                shuffled = images.index_select(&Tensor::new(permutation, &Device::Cpu)?, 0)?;
                at = 0;
            }
            let xs = shuffled.narrow(0, at, batch)?;
            at += batch;
            if mode == "infer" {
                std::hint::black_box(forward(&xs, false)?);
            } else {
                let loss = candle_nn::loss::mse(&forward(&xs, true)?, &xs)?;
                optimizer.backward_step(&loss)?;
                sum += f64::from(loss.to_scalar::<f32>()?);
            }
        }
        if repeat > 0 {
            speeds.push((steps * batch) as f64 / start.elapsed().as_secs_f64());
            losses.push(sum / steps as f64);
        }
    }
    Ok((speeds, losses))
}

/// Operations a second of a square matrix product on all threads, the best of several.
fn gemm() -> Fallible<()> {
    const SIDE: usize = 1024;
    let a = Tensor::rand(0f32, 1f32, (SIDE, SIDE), &Device::Cpu)?;
    let mut best = 0f64;
    for _ in 0..30 {
        let start = Instant::now();
        std::hint::black_box(a.matmul(&a)?);
        best = best.max(2.0 * (SIDE * SIDE * SIDE) as f64 / start.elapsed().as_secs_f64() / 1e9);
    }
    println!("{}", serde_json::json!({ "gemm_gflops": best }));
    Ok(())
}
