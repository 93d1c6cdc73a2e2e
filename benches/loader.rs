//! One run of the loader benchmark, in a process of its own; `loader.py` starts many and compares them.
//!
//! usage: loader FOLDER SIZE VARIANT REPEATS
//! SIZE in pixels; VARIANT center | random, and `packed` after a comma. Prints one line of JSON. `make FOLDER` instead of all
//! of that makes photographs to read, where there are none of one's own.

use candlebook::math;
use candlebook::prelude::*;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use std::path::Path;
use std::time::Instant;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const BATCH: usize = 32;
/// Photographs made of each of the crate's own, in pixels ImageNet's most common size.
const EACH: usize = 75;
const MADE: (u32, u32) = (500, 375);
const QUALITY: u8 = 95;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["make", folder] => make(Path::new(folder)),
        [folder, size, variant, repeats] => run(folder, size.parse()?, variant, repeats.parse()?),
        _ => {
            // As `cargo bench` starts it.
            println!("started by: cargo xtask bench loader");
            Ok(())
        }
    }
}

fn run(folder: &str, size: usize, variant: &str, repeats: u64) -> Fallible<()> {
    let (crop, packed) = variant
        .split_once(',')
        .map_or((variant, false), |(crop, packed)| {
            (crop, packed == "packed")
        });
    let random = match crop {
        "center" => false,
        "random" => true,
        other => return Err(format!("expected center or random, got {other}").into()),
    };
    // One photograph is for test, and never read.
    let how = ImageFolder {
        size,
        crop: if random {
            Crop::Random(0.08)
        } else {
            Crop::Center
        },
        flip: random,
        test: 1e-9,
        packed,
        ..Default::default()
    };
    let train = image_folder(folder, &how)?.train;
    let mut speeds = Vec::new();
    // The first epoch fills the system's file cache, and is not counted.
    for epoch in 0..=repeats {
        let start = Instant::now();
        let mut seen = 0;
        for images in train.batches(BATCH, epoch)? {
            seen += std::hint::black_box(images?).dim(0)?;
        }
        if epoch > 0 {
            speeds.push(seen as f64 / start.elapsed().as_secs_f64());
        }
    }
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
        serde_json::json!({ "speeds": speeds, "peak_mb": peak / 1024.0 })
    );
    Ok(())
}

/// Parts of the crate's own photographs, enlarged, as JPEG in one folder a class.
fn make(folder: &Path) -> Fallible<()> {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/photographs");
    let mut paths: Vec<_> = std::fs::read_dir(&assets)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Fallible<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "jpg"));
    paths.sort();
    let mut draws = math::Rng::new(0, math::Purpose::Augment);
    for path in paths {
        let photograph = image::open(&path)?.into_rgb8();
        let class = folder.join(path.file_stem().unwrap_or_default());
        std::fs::create_dir_all(&class)?;
        for number in 0..EACH {
            // As wide or high as the photograph allows, down to 70 % of that.
            let (width, height) = (
                f64::from(photograph.width()),
                f64::from(photograph.height()),
            );
            let scale = (width / f64::from(MADE.0)).min(height / f64::from(MADE.1));
            let scale = scale * f64::from(0.7 + 0.3 * draws.unit());
            let (w, h) = (
                (f64::from(MADE.0) * scale) as u32,
                (f64::from(MADE.1) * scale) as u32,
            );
            let left = (f64::from(photograph.width() - w) * f64::from(draws.unit())) as u32;
            let top = (f64::from(photograph.height() - h) * f64::from(draws.unit())) as u32;
            let part = image::imageops::crop_imm(&photograph, left, top, w, h).to_image();
            let part = image::imageops::resize(&part, MADE.0, MADE.1, FilterType::CatmullRom);
            let file = std::fs::File::create(class.join(format!("{number:03}.JPEG")))?;
            JpegEncoder::new_with_quality(std::io::BufWriter::new(file), QUALITY)
                .encode_image(&part)?;
        }
    }
    Ok(())
}
