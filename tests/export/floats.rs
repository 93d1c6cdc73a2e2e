//! Weights of other types, and under other names.

use crate::common::{assert_reconstructs, model, reconstructed, weights, write, write_types};
use candlebook::prelude::*;
use safetensors::tensor::Dtype;

#[test]
fn weights_of_every_type_and_wrapper_reconstruct_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ae.safetensors");
    for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::F64] {
        for prefix in [
            "",
            "module.",
            "_orig_mod.",
            "module._orig_mod.",
            "state_dict.model.",
        ] {
            let mut ae = model();
            write(&path, &weights(prefix), dtype);
            ae.load_weights(&path).unwrap();
            assert_reconstructs(&format!("{prefix} {dtype:?}"), &ae);
        }
    }
    // An averaged model of a mixed type, whose encoder was compiled.
    let mut averaged = weights("module.");
    for (name, ..) in &mut averaged {
        *name = name.replace("encoder.", "encoder._orig_mod.");
    }
    averaged.push(("n_averaged".into(), vec![], vec![3.0]));
    averaged.push((
        "module.encoder.2.num_batches_tracked".into(),
        vec![],
        vec![3.0],
    ));
    let mut ae = model();
    write_types(&path, &averaged, |name| match name {
        name if name.starts_with("n_") || name.ends_with("tracked") => Dtype::I64,
        name if name.ends_with("bias") => Dtype::F32,
        _ => Dtype::F16,
    });
    ae.load_weights(&path).unwrap();
    assert_reconstructs("averaged", &ae);
}

/// Rewrites a file of this crate with other names and another type; the metadata stay.
fn rewritten(bytes: &[u8], prefix: &str) -> Vec<u8> {
    let (_, header) = safetensors::SafeTensors::read_metadata(bytes).unwrap();
    let file = safetensors::SafeTensors::deserialize(bytes).unwrap();
    let tensors: Vec<_> = file
        .iter()
        .map(|(name, tensor)| {
            let values = tensor
                .data()
                .as_chunks()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b));
            let halves = values.flat_map(|value| half::bf16::from_f32(value).to_le_bytes());
            (
                format!("{prefix}{name}"),
                tensor.shape().to_vec(),
                halves.collect::<Vec<u8>>(),
            )
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = safetensors::tensor::TensorView::new(Dtype::BF16, shape.clone(), bytes);
        (name, view.unwrap())
    });
    safetensors::serialize(views, header.metadata().clone()).unwrap()
}

#[test]
fn a_model_and_its_run_are_converted_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let split = Split::from_bytes(vec![100; 40], (1, 2, 2), None).unwrap();
    let data = Dataset::new("gray", "here", split.clone(), split).unwrap();
    let mut ae = model();
    let fit = Fit {
        epochs: 1,
        batch_size: 5,
        checkpoint: Some(path.clone()),
        ..Default::default()
    };
    let history = ae.fit(&data, &fit).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, rewritten(&bytes, "module.")).unwrap();
    let loaded = Autoencoder::load(&path).unwrap();
    let (found, expected) = (reconstructed(&loaded), reconstructed(&ae));
    let difference = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
    let difference = difference.fold(0.0, f32::max);
    // BF16 has 8 bits of precision.
    assert!(difference > 0.0 && difference < 1e-2, "{difference}");
    let (resumed, all) = Autoencoder::resume(&path, &data).unwrap();
    assert_eq!(all.train_loss(), history.train_loss());
    assert_eq!(reconstructed(&resumed), found);
}

#[test]
fn weights_of_a_diverged_run_are_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ae.safetensors");
    let mut diverged = weights("");
    diverged[3].2[1] = f64::NAN;
    write(&path, &diverged, Dtype::F16);
    let mut ae = model();
    ae.load_weights(&path).unwrap();
    let found = reconstructed(&ae);
    assert!(
        found[1].is_nan() && (found[0] - 0.52342).abs() < 1e-5,
        "{found:?}"
    );
    ae.save(&path).unwrap();
    let loaded = Autoencoder::load(&path).unwrap();
    assert!(reconstructed(&loaded)[1].is_nan());
}

#[test]
fn a_value_or_a_type_that_f32_cannot_hold_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ae.safetensors");
    let mut ae = model();
    let before = reconstructed(&ae);
    let mut large = weights("");
    large[3].2[2] = -1e39;
    write(&path, &large, Dtype::F64);
    let error = ae.load_weights(&path).unwrap_err().to_string();
    assert!(
        error.contains("got -1e39 at index 2 of decoder.0.bias [4] in F64."),
        "{error}"
    );
    write_types(&path, &weights(""), |name| match name {
        "decoder.0.weight" => Dtype::I8,
        _ => Dtype::F32,
    });
    let error = ae.load_weights(&path).unwrap_err().to_string();
    assert!(
        error.contains(
            "expected weights in F32, F16, BF16 or F64, got decoder.0.weight [4, 2] in I8. Save floats"
        ),
        "{error}"
    );
    assert_eq!(reconstructed(&ae), before);
}
