//! Rendering times of charts and montages: `cargo xtask bench show`. Writes `target/bench/show.json`.

use candlebook::prelude::*;
use std::hint::black_box;
use std::time::Instant;

/// Repetitions of each rendering; the median is reported.
const ROUNDS: usize = 41;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = mnist_embedded()?;
    let digits = data.test.first(400)?;
    let x: Vec<f64> = (0..10_000).map(f64::from).collect();
    // Noise prevents the line from being simplified.
    let noise =
        candlebook::math::Rng::new(0, candlebook::math::Purpose::Noise).normal(x.len(), 0.1);
    let y: Vec<f64> = x
        .iter()
        .zip(noise)
        .map(|(x, noise)| (x / 700.0).sin() + f64::from(noise))
        .collect();
    let labels: Vec<usize> = (0..1000).map(|i| i % 10).collect();
    let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(128), Relu])?;
    let (codes_x, codes_y) = (
        Tensor::randn(0.0, 1.0, 1000, &Device::Cpu)?,
        Tensor::randn(0.0, 1.0, 1000, &Device::Cpu)?,
    );
    let mut rows = Vec::new();
    let mut row = |model: &str,
                   make: &dyn Fn() -> Result<Vec<Content>, Error>|
     -> Result<(), Error> {
        make()?;
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let start = Instant::now();
            black_box(make()?);
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let content = make()?.remove(0);
        let kilobytes = content.get("image/png").map_or(0, str::len) as f64 / 1e3;
        println!(
            "{model:<32} {:>7.2} ms  {kilobytes:>6.0} kB on the page",
            times[ROUNDS / 2]
        );
        let figure = |variant: &str, value: f64, unit: &str| serde_json::json!({ "model": model, "mode": "show", "variant": variant, "value": value, "unit": unit });
        rows.extend([
            figure("time", times[ROUNDS / 2], "ms"),
            figure("size", kilobytes, "kB"),
        ]);
        Ok(())
    };
    row("montage of 400 digits", &|| {
        Montage::new(&digits)?.contents()
    })?;
    row("montage of 128 features", &|| ae.features()?.contents())?;
    row("line of 10,000 points", &|| {
        Plot::new().line("wave", &x, &y).contents()
    })?;
    row("line of 20 points", &|| {
        Plot::new().line("loss", 0..20, 0..20).contents()
    })?;
    row("1,000 points in 10 groups", &|| {
        Plot::new()
            .scatter_by("", &codes_x, &codes_y, &labels)
            .contents()
    })?;
    row("confusion matrix of 10 classes", &|| {
        Plot::confusion(&labels, &labels).contents()
    })?;
    let folder = std::env::var_os("CANDLEBOOK_BENCH")
        .map_or_else(|| "target/bench".into(), std::path::PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(
        folder.join("show.json"),
        serde_json::to_string_pretty(&rows)?,
    )?;
    Ok(())
}
