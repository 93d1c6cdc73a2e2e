//! One run of one training benchmark, in its own process; `training.py` starts many and compares
//! them.
//!
//! usage: training MODEL VARIANT MODE STEPS REPEATS, or: training gemm
//! MODEL: m1 | m2 | m3 | m4 | vae | vq | topk | small | wide | post
//! VARIANT: planned | autograd | candle-nn
//! MODE: train | infer | loop, training in a loop of forward pass, loss and optimizer |
//!       custom, training on a loss that also looks at the code |
//!       settings, training with clipped gradients, EMA and a cosine schedule
//!
//! Prints one line of JSON. `gemm` measures the fastest matrix product that this machine can do.

use candle_nn::{AdamW, Module, Optimizer as _, ParamsAdamW, VarBuilder, VarMap};
use candlebook::data::ImageShape;
use candlebook::optim::{Average, Cosine, Gradients, Optimizer, Rates, Schedule};
use candlebook::prelude::*;
use candlebook::train::Epoch;
use candlebook::{data::idx_folder, math};
use std::time::Instant;

/// The allocator of the kernel's cells.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["gemm"] => gemm(),
        [model, variant, mode, steps, repeats] => run(model, variant, mode, steps, repeats),
        _ => {
            // `cargo bench` starts it without arguments.
            println!("started by: cargo xtask bench training");
            Ok(())
        }
    }
}

/// Benchmark of one model.
struct Benchmark<'a> {
    model: &'a str,
    /// Layer sizes of a dense model; empty for a convolutional one.
    widths: Vec<usize>,
    data: Dataset,
    mode: &'a str,
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

fn digits() -> Fallible<Dataset> {
    Ok(match std::env::var_os("CANDLEBOOK_DATA") {
        Some(folder) => idx_folder(folder)?,
        None => mnist_embedded()?,
    })
}

/// Color images of random pixels: only their size matters.
fn noise(images: usize, side: usize) -> Fallible<Dataset> {
    let mut rng = math::Rng::new(0, math::Purpose::Noise);
    let mut split = |n: usize| {
        let bytes = (0..n * 3 * side * side)
            .map(|_| (rng.unit() * 256.0) as u8)
            .collect();
        Split::from_bytes(bytes, (3, side, side), None)
    };
    Ok(Dataset::new("noise", "", split(images)?, split(8)?)?)
}

fn widths(model: &str) -> Fallible<Vec<usize>> {
    Ok(match model {
        "m1" => vec![784, 128, 784],
        "m2" => vec![784, 512, 128, 32, 128, 512, 784],
        // So small that the overhead of a step dominates.
        "small" => vec![784, 32, 784],
        "wide" => vec![784, 4096, 784],
        "m3" | "m4" | "vae" | "vq" | "topk" | "post" => Vec::new(),
        other => {
            return Err(format!(
                "expected m1, m2, m3, m4, vae, vq, topk, small, wide or post, got {other}"
            )
            .into());
        }
    })
}

fn run(model: &str, variant: &str, mode: &str, steps: &str, repeats: &str) -> Fallible<()> {
    let (batch_size, data) = match model {
        "m3" => (32, noise(1024, 64)?),
        "post" => (8, noise(64, 224)?),
        _ => (128, digits()?),
    };
    let batch_size = match std::env::var("BATCH") {
        Ok(text) => text.parse()?,
        Err(_) => batch_size,
    };
    let benchmark = Benchmark {
        model,
        widths: widths(model)?,
        data,
        mode,
        steps: steps.parse()?,
        repeats: repeats.parse()?,
        batch_size,
    };
    let Measured { speeds, losses } = match variant {
        "candle-nn" if benchmark.widths.is_empty() => {
            return Err("candle-nn is compared on m1 and m2 only".into());
        }
        "candle-nn" => candle_nn_model(&benchmark)?,
        _ if mode == "infer" => infer(&benchmark)?,
        _ if mode == "loop" => loop_of_steps(&benchmark)?,
        _ => train(&benchmark, variant == "planned")?,
    };
    let result = serde_json::json!({
        "model": model, "variant": variant, "mode": mode, "speeds": speeds, "losses": losses,
        "peak_mb": peak_mb()?,
    });
    println!("{result}");
    Ok(())
}

/// Peak resident memory of this process.
fn peak_mb() -> Fallible<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kilobytes.unwrap_or(0.0) / 1024.0)
}

fn infer(benchmark: &Benchmark<'_>) -> Fallible<Measured> {
    let Benchmark {
        steps, batch_size, ..
    } = *benchmark;
    let (input, encoder, decoder) = layers(benchmark.model, &benchmark.widths);
    let ae = Autoencoder::new(input, &encoder, &decoder)?;
    let positions = |i: usize| (i * batch_size..(i + 1) * batch_size).collect::<Vec<_>>();
    let count = (benchmark.data.train.len() / batch_size).clamp(1, 8);
    let batches: Vec<Tensor> = (0..count)
        .map(|i| benchmark.data.train.images(&positions(i)))
        .collect::<Result<_, _>>()?;
    let mut measured = Measured::default();
    for repeat in 0..=benchmark.repeats {
        let start = Instant::now();
        for i in 0..steps {
            std::hint::black_box(ae.reconstruct(&batches[i % count])?);
        }
        if repeat > 0 {
            let seconds = start.elapsed().as_secs_f64();
            measured.speeds.push((steps * batch_size) as f64 / seconds);
        }
    }
    Ok(measured)
}

/// Trains without validation, for as many whole epochs as the steps need.
fn train(benchmark: &Benchmark<'_>, planned: bool) -> Fallible<Measured> {
    let Benchmark {
        steps,
        repeats,
        batch_size,
        ref data,
        ..
    } = *benchmark;
    let (input, encoder, decoder) = layers(benchmark.model, &benchmark.widths);
    let mut ae = Autoencoder::new(input, &encoder, &decoder)?;
    let images = data.train.len() / batch_size * batch_size;
    let epochs = (steps * batch_size).div_ceil(images);
    let train = data.train.take(images);
    let data = Dataset::new("benchmark", "", train, data.test.clone())?;
    let fit = Fit {
        epochs: epochs * (repeats + 1),
        batch_size,
        validation_split: 0.0,
        planned,
        loss: loss_of(benchmark.model),
        ..Default::default()
    };
    let fit = if benchmark.mode == "settings" {
        with_settings(fit)
    } else {
        fit
    };
    let history = if benchmark.mode == "custom" {
        ae.fit_with_loss(&data, &fit, custom_loss)?
    } else {
        ae.fit(&data, &fit)?
    };
    let mut measured = Measured::default();
    for repeat in history.epochs.chunks(epochs).skip(1) {
        let seconds = |epoch: &Epoch| images as f64 / epoch.images_per_second;
        let total: f64 = repeat.iter().map(seconds).sum();
        let loss = |epoch: &Epoch| f64::from(epoch.train_loss);
        let loss_sum: f64 = repeat.iter().map(loss).sum();
        measured.speeds.push((images * epochs) as f64 / total);
        measured.losses.push(loss_sum / epochs as f64);
    }
    Ok(measured)
}

fn loss_of(model: &str) -> Loss {
    if model == "vae" {
        Loss::BinaryCrossEntropy
    } else {
        Loss::Mse
    }
}

/// Trains in a loop of loss, gradients and optimizer.
fn loop_of_steps(benchmark: &Benchmark<'_>) -> Fallible<Measured> {
    let (input, encoder, decoder) = layers(benchmark.model, &benchmark.widths);
    let ae = Autoencoder::new(input, &encoder, &decoder)?;
    let mut optimizer = Optimizer::new(ae.parameters(), &Optim::adam(), Rates::default())?;
    let (train, batch_size) = (&benchmark.data.train, benchmark.batch_size);
    let images = train.len() / batch_size * batch_size;
    let epochs = (benchmark.steps * batch_size).div_ceil(images);
    let train = train.take(images);
    let mut measured = Measured::default();
    for repeat in 0..=benchmark.repeats {
        let (start, mut loss_sum, mut steps) = (Instant::now(), 0.0, 0);
        for epoch in 0..epochs {
            for batch in train.batches(batch_size, (repeat * epochs + epoch) as u64)? {
                let (images, _labels) = batch?;
                let loss = ae.training_loss(&images, loss_of(benchmark.model))?;
                optimizer.backward_step(&loss)?;
                loss_sum += f64::from(loss.to_scalar::<f32>()?);
                steps += 1;
            }
        }
        if repeat > 0 {
            let seconds = start.elapsed().as_secs_f64();
            measured.speeds.push((steps * batch_size) as f64 / seconds);
            measured.losses.push(loss_sum / steps as f64);
        }
    }
    Ok(measured)
}

/// The same training with clipped gradients, an average of the weights and a schedule.
fn with_settings(fit: Fit) -> Fit {
    Fit {
        gradients: Gradients {
            clip_norm: Some(1.0),
            ..Default::default()
        },
        average: Average::Ema { decay: 0.999 },
        schedule: Schedule::Cosine(Cosine::default()),
        ..fit
    }
}

/// The mean squared error, and a penalty on the code.
fn custom_loss(input: &Tensor, code: &Tensor, output: &Tensor) -> Result<Tensor, Error> {
    let error = (output - input)?.sqr()?.mean_all()?;
    Ok((error + (code.abs()?.mean_all()? * 0.01)?)?)
}

/// Input shape, encoder and decoder of a model, as in the PyTorch reference.
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
        "vae" => (
            (1, 28, 28),
            vec![Flatten, Linear(400), Relu, Linear(40), Gaussian(1.0)],
            vec![
                Linear(400),
                Relu,
                Linear(784),
                Sigmoid,
                Unflatten(1, 28, 28),
            ],
        ),
        "vq" => (
            (1, 28, 28),
            vec![
                half(32),
                Relu,
                half(64),
                Relu,
                Conv2d(16, 1),
                VectorQuantize(128).learned_codebook(),
            ],
            vec![
                double(64),
                Relu,
                double(32),
                Relu,
                Conv2d(1, 3).padding(1),
                Sigmoid,
            ],
        ),
        "topk" => (
            (1, 28, 28),
            vec![Flatten, Linear(512), TopK(32)],
            vec![Linear(784), Sigmoid, Unflatten(1, 28, 28)],
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

/// Network of the blog post, for images of this side and codes of this size.
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

/// The same model in candle-nn, as its documentation shows it.
fn candle_nn_model(benchmark: &Benchmark<'_>) -> Fallible<Measured> {
    let Benchmark {
        steps,
        batch_size,
        ref widths,
        ..
    } = *benchmark;
    let variables = VarMap::new();
    let builder = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
    let layers = widths.windows(2).enumerate();
    let layers = layers
        .map(|(i, w)| candle_nn::linear(w[0], w[1], builder.pp(i)))
        .collect::<Result<Vec<_>, _>>()?;
    let dropout = candle_nn::Dropout::new(0.2);
    let forward = |xs: &Tensor, train: bool| -> Result<Tensor, candle_core::Error> {
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
    let train = &benchmark.data.train;
    let images = train.first(train.len())?.flatten_from(1)?; // (n, c, h, w) -> (n, c*h*w)
    let n = images.dim(0)? / batch_size * batch_size;
    let mut rng = math::Rng::new(0, math::Purpose::Shuffle);
    let mut measured = Measured::default();
    let (mut position, mut shuffled) = (n, images.clone());
    for repeat in 0..=benchmark.repeats {
        let (start, mut loss_sum) = (Instant::now(), 0.0);
        for _ in 0..steps {
            if position + batch_size > n {
                let order: Vec<u32> = rng.permutation(n).into_iter().map(|i| i as u32).collect();
                shuffled = images.index_select(&Tensor::new(order, &Device::Cpu)?, 0)?;
                position = 0;
            }
            let xs = shuffled.narrow(0, position, batch_size)?;
            position += batch_size;
            if benchmark.mode == "infer" {
                std::hint::black_box(forward(&xs, false)?);
            } else {
                let loss = candle_nn::loss::mse(&forward(&xs, true)?, &xs)?;
                optimizer.backward_step(&loss)?;
                loss_sum += f64::from(loss.to_scalar::<f32>()?);
            }
        }
        if repeat > 0 {
            let seconds = start.elapsed().as_secs_f64();
            measured.speeds.push((steps * batch_size) as f64 / seconds);
            measured.losses.push(loss_sum / steps as f64);
        }
    }
    Ok(measured)
}

/// GFLOP/s of a square matrix product on all threads: the best of 30.
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
