//! Loading weights files, and files that are rejected.
//!
//! `fixtures/make_numpy_ae.py` made `fixtures/numpy_ae.safetensors` and `.json` with numpy alone:
//! weights under PyTorch's names, images, and their reconstructions by the textbook formulas.
//! `pytorch/check_weights.py` loads our files with `load_state_dict(strict=True)`.

use candlebook::model::Init;
use candlebook::prelude::*;
use std::path::{Path, PathBuf};

const LAYERS: [Layer; 4] = [Flatten, Linear(5), Relu, Dropout(0.2)];

fn model() -> Autoencoder {
    model_of_seed(0)
}

fn model_of_seed(seed: u64) -> Autoencoder {
    let init = Init {
        seed,
        ..Default::default()
    };
    Autoencoder::symmetric_with((1, 3, 4), &LAYERS, &init).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn images(n: usize) -> Tensor {
    let values: Vec<f32> = (0..n * 12).map(|i| (i % 7) as f32 / 7.0).collect();
    Tensor::from_vec(values, (n, 1, 3, 4), &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn loaded_model_reconstructs_as_the_saved_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ae.safetensors");
    let ae = model_of_seed(3);
    ae.save(&path).unwrap();
    let again = Autoencoder::load(&path).unwrap();
    assert_eq!(
        (again.image_shape(), again.encoder(), again.decoder()),
        (ae.image_shape(), ae.encoder(), ae.decoder())
    );
    assert_eq!(
        values(&ae.reconstruct(&images(3)).unwrap()),
        values(&again.reconstruct(&images(3)).unwrap())
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "no temporary file remains"
    );
}

#[test]
fn weights_made_by_numpy_give_the_reconstructions_of_numpy() {
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(fixture("numpy_ae.json")).unwrap()).unwrap();
    let list = |name: &str| {
        json[name]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_f64().unwrap() as f32)
            .collect::<Vec<_>>()
    };
    let x = Tensor::from_vec(list("pictures"), (2, 1, 3, 4), &Device::Cpu).unwrap();
    let mut ae = model();
    ae.load_weights(fixture("numpy_ae.safetensors")).unwrap();
    let found = values(&ae.reconstruct(&x).unwrap());
    let expected = list("reconstructions");
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(&expected) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn damaged_and_unrelated_files_are_rejected_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ae.safetensors");
    model().save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut ae = model_of_seed(9);
    let before = values(&ae.reconstruct(&images(1)).unwrap());
    let mut error = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let prefix = format!("{}: ", path.display());
        let strip = |text: String| text.strip_prefix(&prefix).unwrap_or(&text).to_owned();
        let load = strip(Autoencoder::load(&path).unwrap_err().to_string());
        (load, strip(ae.load_weights(&path).unwrap_err().to_string()))
    };
    for (name, cut) in [
        ("truncated", &bytes[..bytes.len() - 8]),
        ("empty", &[]),
        ("text", b"these are not weights at all"),
    ] {
        let (load, weights) = error(name, cut);
        for text in [load, weights] {
            assert!(
                text.starts_with("expected a whole safetensors file, got ")
                    && text.ends_with("The file is truncated or of another format: save it again"),
                "{name}: {text}"
            );
        }
    }
    let other = folder.path().join("other.safetensors");
    Autoencoder::symmetric((1, 3, 4), &[Flatten, Linear(6), Relu])
        .unwrap()
        .save(&other)
        .unwrap();
    assert_eq!(
        ae.load_weights(&other).unwrap_err().to_string(),
        format!(
            "{}: expected encoder.1.weight of shape [5, 12], got encoder.1.weight [6, 12] in F32. The file is of \
             another architecture: load it with Autoencoder::load",
            other.display()
        )
    );
    Autoencoder::symmetric((1, 3, 4), &[Flatten, Linear(5), Relu, Linear(2)])
        .unwrap()
        .save(&other)
        .unwrap();
    assert!(
        ae.load_weights(&other)
            .unwrap_err()
            .to_string()
            .contains("another architecture")
    );
    let missing = ae
        .load_weights(folder.path().join("none"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("cannot read: No such file"), "{missing}");
    let weights_only = Autoencoder::load(fixture("numpy_ae.safetensors"))
        .unwrap_err()
        .to_string();
    assert!(
        weights_only.contains(
            "expected an architecture saved by candlebook, got weights only: decoder.0.bias [12] in F32, \
             decoder.0.weight [12, 5] in F32, encoder.1.bias [5] in F32 and 1 more. Build the model in code"
        ),
        "{weights_only}"
    );
    assert_eq!(values(&ae.reconstruct(&images(1)).unwrap()), before);
}

#[test]
fn damaged_layer_size_allocates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ae.safetensors");
    model().save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let size = br#"Linear\":5}"#;
    let found = bytes.windows(size.len()).position(|window| window == size);
    let at = found.expect("the metadata contains the layer") + size.len() - 2;
    let head = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    let larger = [
        &(head + 8).to_le_bytes()[..],
        &bytes[8..at],
        b"500000000",
        &bytes[at + 1..],
    ]
    .concat();
    std::fs::write(&path, larger).unwrap();
    let error = Autoencoder::load(&path).unwrap_err().to_string();
    assert!(
        error.contains("expected a file as large as its weights"),
        "{error}"
    );
}

#[test]
fn trained_loss_is_saved_with_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ae.safetensors");
    let data = mnist_embedded().unwrap().take(40, 10);
    let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)]).unwrap();
    let loss = Loss::BinaryCrossEntropy;
    let fit = Fit {
        epochs: 1,
        batch_size: 20,
        loss,
        ..Default::default()
    };
    ae.fit(&data, &fit).unwrap();
    ae.save(&path).unwrap();
    let loaded = Autoencoder::load_on(&path, &Device::Cpu).unwrap();
    let found = loaded.evaluate(&data.test).unwrap();
    assert_eq!(found, ae.evaluate_with(&data.test, loss).unwrap());
    assert_ne!(found, ae.evaluate_with(&data.test, Loss::Mse).unwrap());
}

#[test]
fn layers_with_settings_and_normalizations_are_rebuilt_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ae.safetensors");
    let encoder = [
        Conv2d(4, 3).padding(1),
        GroupNorm(2),
        Silu,
        SpatialDropout(0.1),
        MaxPool2d(2).ceil_mode(),
        LayerNorm,
        AvgPool2d(2).ceil_mode(),
        Softmax,
    ];
    let ae = Autoencoder::symmetric((1, 7, 10), &encoder).unwrap();
    ae.save(&path).unwrap();
    let loaded = Autoencoder::load(&path).unwrap();
    assert_eq!(
        (loaded.encoder(), loaded.decoder()),
        (ae.encoder(), ae.decoder())
    );
    let names: Vec<String> = loaded
        .variables()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        names[2..6],
        [
            "encoder.1.weight",
            "encoder.1.bias",
            "encoder.5.weight",
            "encoder.5.bias"
        ]
    );
    assert_eq!(loaded.variables()[4].1.dims(), [4, 4, 5]);
    let image = Tensor::full(0.3f32, (1, 1, 7, 10), &Device::Cpu).unwrap();
    let values = |ae: &Autoencoder| {
        let output = ae.reconstruct(&image).unwrap();
        output.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    assert_eq!(values(&loaded), values(&ae));
}
