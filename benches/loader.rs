//! One run of the loader benchmark; `loader.py` starts several of these and compares them.
//!
//! usage: loader FOLDER SIZE VARIANT REPEATS, or loader make FOLDER
//! SIZE is in pixels; VARIANT is `center` or `random`, optionally followed by `,packed`. Prints one
//! line of JSON. `make` writes photographs to read, for machines without a data set.

use candlebook::data::Crop;
use candlebook::math;
use candlebook::prelude::*;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use std::path::Path;
use std::time::Instant;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const BATCH_SIZE: usize = 32;
/// Crops of each of the crate's photographs, in ImageNet's most common size.
const CROPS_PER_PHOTOGRAPH: usize = 75;
const CROP_WIDTH: u32 = 500;
const CROP_HEIGHT: u32 = 375;
const JPEG_QUALITY: u8 = 95;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["make", folder] => make(Path::new(folder)),
        [folder, size, variant, repeats] => {
            run(folder, &settings(size.parse()?, variant)?, repeats.parse()?)
        }
        _ => {
            // `cargo bench` passes no arguments.
            println!("started by: cargo xtask bench loader");
            Ok(())
        }
    }
}

fn settings(size: usize, variant: &str) -> Fallible<PhotoSettings> {
    let (crop, packed) = variant.split_once(',').unwrap_or((variant, ""));
    let (crop, flip) = match crop {
        "center" => (Crop::Center, false),
        "random" => (Crop::Random(0.08), true),
        other => return Err(format!("expected center or random, got {other}").into()),
    };
    Ok(PhotoSettings {
        size,
        crop,
        flip,
        // Holds out one photograph, which is never read.
        test_split: 1e-9,
        packed: packed == "packed",
        ..Default::default()
    })
}

fn run(folder: &str, settings: &PhotoSettings, repeats: u64) -> Fallible<()> {
    let train = image_folder(folder, settings)?.train;
    let mut speeds = Vec::new();
    // The first epoch fills the system's file cache and is not counted.
    for epoch in 0..=repeats {
        let start = Instant::now();
        let mut seen = 0;
        for batch in train.batches(BATCH_SIZE, epoch)? {
            let (images, _) = batch?;
            seen += std::hint::black_box(images).dim(0)?;
        }
        if epoch > 0 {
            speeds.push(seen as f64 / start.elapsed().as_secs_f64());
        }
    }
    let json = serde_json::json!({ "speeds": speeds, "peak_mb": peak_megabytes()? });
    println!("{json}");
    Ok(())
}

/// The peak memory of this process, 0 if the system does not report it.
fn peak_megabytes() -> Fallible<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kilobytes.unwrap_or(0.0) / 1024.0)
}

/// Writes enlarged crops of the crate's photographs as JPEG, one folder per class.
fn make(folder: &Path) -> Fallible<()> {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/photographs");
    let mut paths: Vec<_> = std::fs::read_dir(&assets)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Fallible<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    paths.sort();
    let mut rng = math::Rng::new(0, math::Purpose::Augment);
    for path in paths {
        let photograph = image::open(&path)?.into_rgb8();
        let class = folder.join(path.file_stem().unwrap_or_default());
        std::fs::create_dir_all(&class)?;
        for number in 0..CROPS_PER_PHOTOGRAPH {
            let crop = random_crop(&photograph, &mut rng);
            let file = std::fs::File::create(class.join(format!("{number:03}.JPEG")))?;
            JpegEncoder::new_with_quality(std::io::BufWriter::new(file), JPEG_QUALITY)
                .encode_image(&crop)?;
        }
    }
    Ok(())
}

/// A random crop with 70 to 100 % of the largest possible side, resized.
fn random_crop(photograph: &image::RgbImage, rng: &mut math::Rng) -> image::RgbImage {
    let (width, height) = (
        f64::from(photograph.width()),
        f64::from(photograph.height()),
    );
    let scale = (width / f64::from(CROP_WIDTH)).min(height / f64::from(CROP_HEIGHT));
    let scale = scale * f64::from(0.7 + 0.3 * rng.unit());
    let w = (f64::from(CROP_WIDTH) * scale) as u32;
    let h = (f64::from(CROP_HEIGHT) * scale) as u32;
    let left = (f64::from(photograph.width() - w) * f64::from(rng.unit())) as u32;
    let top = (f64::from(photograph.height() - h) * f64::from(rng.unit())) as u32;
    let crop = image::imageops::crop_imm(photograph, left, top, w, h).to_image();
    image::imageops::resize(&crop, CROP_WIDTH, CROP_HEIGHT, FilterType::CatmullRom)
}
