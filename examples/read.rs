//! Reads files and answers with their values, for `cargo xtask compare`: `read READER FOLDER`, paths on standard input.
//!
//! An answer is a line of JSON: `{"tensors": [[name, shape], ...]}`, whose values are in the file `FOLDER/values` as f32;
//! or `{"error": message}`; or `{"panic": message}` for a panic in the crate's own code, caught or not.
#![allow(clippy::unwrap_used, unreachable_pub)]

#[path = "../tests/readers/readers.rs"]
mod readers;

use candle_core::{DType, Device, Tensor};
use candlebook::data::{ArraySettings, Idx, npy_images, npz_images};
use candlebook::prelude::*;
use readers::{Prepared, Reader};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufRead, BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The last panic in the crate's own code. Those of image decoders are caught, and are answers.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Values that are written at a time.
const PIECE: usize = 1 << 16;

type Named = Vec<(String, Tensor)>;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let reader = arguments.first().and_then(|name| Reader::named(name));
    let (Some(reader), Some(folder)) = (reader, arguments.get(1)) else {
        return Err(io::Error::other(
            "expected the name of a reader and an empty folder",
        ));
    };
    let folder = PathBuf::from(folder);
    let files = folder.join("files");
    std::fs::create_dir_all(&files)?;
    let prepared = reader.prepare(&files);
    keep_own_panics();
    for path in io::stdin().lock().lines() {
        let path = PathBuf::from(path?);
        let result = catch_unwind(AssertUnwindSafe(|| read(reader.name, &prepared, &path)));
        let answer = answer(result.ok(), &folder.join("values"))?;
        println!("{answer}");
        io::stdout().flush()?;
    }
    Ok(())
}

fn keep_own_panics() {
    std::panic::set_hook(Box::new(|info| {
        // Paths of other crates are absolute.
        let own = info
            .location()
            .is_some_and(|place| Path::new(place.file()).is_relative());
        if own {
            *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(info.to_string());
        }
    }));
}

/// Reads a file as a user's cell does; without values if no other program reads the format.
fn read(reader: &str, prepared: &Prepared, path: &Path) -> Result<Named, Error> {
    match reader {
        "jpeg" | "png" | "webp" | "bmp" | "gif" => {
            Ok(vec![("image".into(), Image::open(path)?.tensor()?)])
        }
        "npy" => all_images(npy_images(path, &whole(path, None))?),
        "npz" => {
            let named = whole(Path::new("x"), Some("y"));
            let unnamed = whole(Path::new("arr_0"), None);
            all_images(npz_images(path, &named).or_else(|_| npz_images(path, &unnamed))?)
        }
        "idx" => {
            let idx = Idx::read(path, 3).or_else(|_| Idx::read(path, 1))?;
            let bytes = Tensor::from_vec(idx.bytes, idx.dims, &Device::Cpu)?;
            Ok(vec![("idx".into(), bytes)])
        }
        "model" => Ok(weights(&Autoencoder::load(path)?)),
        "weights" => {
            let encoder = [Conv2d(2, 3).padding(1), BatchNorm, Relu, Flatten, Linear(3)];
            let mut ae = Autoencoder::symmetric((1, 4, 4), &encoder)?;
            ae.load_weights(path)?;
            Ok(weights(&ae))
        }
        _ => prepared
            .read(&std::fs::read(path).unwrap())
            .map(|()| Vec::new()),
    }
}

/// Settings that keep all images together and in order: the test images are the training images.
fn whole(images: &Path, labels: Option<&str>) -> ArraySettings {
    let images = Some(images.display().to_string());
    ArraySettings {
        images: images.clone().filter(|name| !name.contains('/')),
        labels: labels.map(str::to_owned),
        test_images: images,
        ..Default::default()
    }
}

fn all_images(data: Dataset) -> Result<Named, Error> {
    let mut tensors = vec![("images".to_owned(), data.train.first(usize::MAX)?)];
    if let Some(labels) = data.train.labels() {
        let n = labels.len();
        tensors.push(("labels".into(), Tensor::from_vec(labels, n, &Device::Cpu)?));
    }
    Ok(tensors)
}

fn weights(ae: &Autoencoder) -> Named {
    let all = [ae.variables(), ae.buffers()].concat();
    all.into_iter()
        .map(|(name, var)| (name, var.as_tensor().clone()))
        .collect()
}

/// The line for a result, `None` for a panic; writes the values.
fn answer(result: Option<Result<Named, Error>>, values: &Path) -> io::Result<Value> {
    let panic = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(match (panic, result) {
        (Some(panic), _) => json!({ "panic": panic }),
        (None, None) => json!({ "panic": "in a dependency" }),
        (None, Some(Err(error))) => json!({ "error": error.to_string() }),
        (None, Some(Ok(tensors))) => {
            let shapes: Vec<(&str, &[usize])> = tensors
                .iter()
                .map(|(name, tensor)| (name.as_str(), tensor.dims()))
                .collect();
            write(&tensors, values).map_err(io::Error::other)?;
            json!({ "tensors": shapes })
        }
    })
}

/// Writes values in small pieces, so that the peak of memory is the reader's.
fn write(tensors: &Named, path: &Path) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for (_, tensor) in tensors {
        let values = tensor.flatten_all()?;
        let n = values.elem_count();
        for at in (0..n).step_by(PIECE) {
            let piece = values.narrow(0, at, PIECE.min(n - at))?;
            for value in piece.to_dtype(DType::F32)?.to_vec1::<f32>()? {
                file.write_all(&value.to_le_bytes())?;
            }
        }
    }
    Ok(file.flush()?)
}
