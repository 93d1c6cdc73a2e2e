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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = mnist_embedded()?;
    let points = Random::new(MODELS)
        .log_uniform("rate", 1e-4, 1e-2)
        .integers("hidden", 16, 48);
    let build = |point: &Point| {
        let layers = [Flatten, Linear(point.integer("hidden")?), Relu];
        let ae = Autoencoder::symmetric(data.image_shape(), &layers)?;
        let fit = Fit {
            epochs: 3,
            batch_size: 32,
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
            ae.fit(&data, &fit)?;
        }
        let alone = start.elapsed().as_secs_f64();
        let start = Instant::now();
        sweep(&data, &points, build)?;
        times.push((alone, start.elapsed().as_secs_f64()));
    }
    times.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let (alone, sweep) = times[ROUNDS / 2];
    let threads = rayon::current_num_threads();
    println!(
        "{MODELS} models on {threads} threads: {alone:.2} s one after the other, {sweep:.2} s as a sweep, {:.2} times as \
         fast",
        alone / sweep
    );
    if let Some(folder) = std::env::var_os("CANDLEBOOK_BENCH") {
        let row = serde_json::json!([{
            "model": format!("{MODELS} small models"), "mode": "sweep", "threads": threads,
            "one_after_the_other_s": alone, "sweep_s": sweep, "ratio": alone / sweep,
        }]);
        std::fs::create_dir_all(&folder)?;
        let path = std::path::Path::new(&folder).join("sweep.json");
        std::fs::write(path, format!("{row:#}"))?;
    }
    Ok(())
}
