//! A sweep of small models compared with the same models one after the other:
//! `cargo xtask bench sweep`. Writes `target/bench/sweep.json`.

use candlebook::prelude::*;
use candlebook::runs::{Point, Random, Search};
use std::time::Instant;

/// The allocator of the kernel's cells.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Models of a sweep.
const MODELS: usize = 12;
/// Repetitions of each form, in alternation; the median of their ratios is reported.
const ROUNDS: usize = 5;

/// Models that a sweep trains.
struct Models {
    name: &'static str,
    /// Fewest and most code units.
    hidden: (i64, i64),
    batch_size: usize,
}

/// `fit` computes a step of the small models on one thread, and one of the others on all threads.
const SWEEPS: [Models; 2] = [
    Models {
        name: "12 small models",
        hidden: (8, 16),
        batch_size: 16,
    },
    Models {
        name: "12 larger models",
        hidden: (32, 64),
        batch_size: 32,
    },
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = mnist_embedded()?;
    let threads = rayon::current_num_threads();
    let mut rows = Vec::new();
    for models in SWEEPS {
        let (alone, sweep) = seconds(&models, &data)?;
        let ratio = alone / sweep;
        println!(
            "{} on {threads} threads: {alone:.2} s one after the other, {sweep:.2} s as a sweep, {ratio:.2} times \
             as fast",
            models.name
        );
        rows.push(serde_json::json!({
            "model": models.name, "mode": "sweep", "threads": threads,
            "one_after_the_other_s": alone, "sweep_s": sweep, "ratio": ratio,
        }));
    }
    if let Some(folder) = std::env::var_os("CANDLEBOOK_BENCH") {
        std::fs::create_dir_all(&folder)?;
        let path = std::path::Path::new(&folder).join("sweep.json");
        std::fs::write(path, format!("{:#}", serde_json::Value::from(rows)))?;
    }
    Ok(())
}

/// Seconds of the models one after the other, and of the same models as a sweep.
fn seconds(models: &Models, data: &Dataset) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let (fewest, most) = models.hidden;
    let points = Random::new(MODELS)
        .log_uniform("rate", 1e-4, 1e-2)
        .integers("hidden", fewest, most);
    let build = |point: &Point| {
        let layers = [Flatten, Linear(point.integer("hidden")?), Relu];
        let ae = Autoencoder::symmetric(data.image_shape(), &layers)?;
        let fit = Fit {
            epochs: 12,
            batch_size: models.batch_size,
            learning_rate: point.number("rate")?,
            log: false,
            ..Default::default()
        };
        Ok((ae, fit))
    };
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for point in points.points()? {
            let (mut ae, fit) = build(&point)?;
            ae.fit(data, &fit)?;
        }
        let alone = start.elapsed().as_secs_f64();
        let start = Instant::now();
        sweep(data, &points, build)?;
        times.push((alone, start.elapsed().as_secs_f64()));
    }
    times.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    Ok(times[ROUNDS / 2])
}
