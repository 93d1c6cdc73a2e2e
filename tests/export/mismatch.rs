//! Errors of files that do not fit the model.

use crate::common::{Weight, model, reconstructed, weights, write};
use candlebook::prelude::*;
use safetensors::tensor::Dtype;
use std::path::Path;

/// Message of loading these weights, without the path. The model stays unchanged.
fn error(weights: &[Weight]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ae.safetensors");
    write(&path, weights, Dtype::F32);
    let mut ae = model();
    let before = reconstructed(&ae);
    let error = stripped(&path, ae.load_weights(&path).unwrap_err());
    assert_eq!(reconstructed(&ae), before);
    let load = stripped(&path, Autoencoder::load(&path).unwrap_err());
    assert!(
        load.starts_with("expected an architecture saved by candlebook, got weights only: "),
        "{load}"
    );
    assert!(!error.contains("Autoencoder::load"), "a circle: {error}");
    error
}

fn stripped(path: &Path, error: Error) -> String {
    let prefix = format!("{}: ", path.display());
    let error = error.to_string();
    error.strip_prefix(&prefix).unwrap_or(&error).to_owned()
}

/// Weights with one renamed.
fn renamed(from: &str, to: &str) -> Vec<Weight> {
    let mut all = weights("");
    let found = all.iter_mut().find(|(name, ..)| name == from);
    found.unwrap().0 = to.into();
    all
}

#[test]
fn a_missing_name_is_answered_by_the_nearest_one_of_its_shape() {
    assert_eq!(
        error(&renamed("encoder.1.weight", "encoder.0.weight")),
        "expected encoder.1.weight of shape [2, 4], got encoder.0.weight [2, 4] in F32. If \
         encoder.0.weight is meant, rename it in Python: state[\"encoder.1.weight\"] = \
         state.pop(\"encoder.0.weight\")"
    );
    let keras: Vec<Weight> = [
        ("fc2.kernel", [2, 4]),
        ("fc1.kernel", [4, 2]),
        ("a", [1, 1]),
    ]
    .map(|(name, shape)| (name.into(), shape.into(), vec![0.0; shape[0] * shape[1]]))
    .to_vec();
    let text = error(&keras);
    assert!(
        text.starts_with(
            "expected encoder.1.weight of shape [2, 4], got fc2.kernel [2, 4] in F32, a [1, 1] in F32, \
             fc1.kernel [4, 2] in F32. If fc2.kernel is meant"
        ),
        "{text}"
    );
    assert_eq!(
        error(&[]),
        "expected encoder.1.weight of shape [2, 4], got no other tensors than the model's. Build the \
         model with the layers that the file's weights belong to"
    );
}

#[test]
fn a_layer_without_a_bias_is_named() {
    let mut all = weights("module.");
    all.remove(1);
    assert_eq!(
        error(&all),
        "expected encoder.1.bias of shape [2], got module.encoder.1.weight [2, 4] in F32 without a bias. \
         A layer with bias=False has a bias of zeros. Add it in Python: state[\"encoder.1.bias\"] = \
         torch.zeros(2)"
    );
}

#[test]
fn transposed_and_reordered_weights_are_named() {
    let mut all = weights("");
    all[2].1 = vec![2, 4];
    assert_eq!(
        error(&all),
        "expected decoder.0.weight of shape [4, 2], got its transpose, decoder.0.weight [2, 4] in F32. \
         Linear layers have (outputs, inputs). Transpose it in Python: tensor.T.contiguous()"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ae.safetensors");
    // Keras: (rows, columns, in, out).
    let kernel: Weight = ("encoder.0.weight".into(), vec![3, 3, 1, 5], vec![0.0; 45]);
    write(&path, &[kernel], Dtype::F32);
    let mut ae = Autoencoder::symmetric((1, 4, 4), &[Conv2d(5, 3)]).unwrap();
    let text = stripped(&path, ae.load_weights(&path).unwrap_err());
    assert!(
        text.starts_with(
            "expected encoder.0.weight of shape [5, 1, 3, 3], got its dimensions in another order, \
             encoder.0.weight [3, 3, 1, 5] in F32. Conv2d has (out, in, rows, columns), "
        ),
        "{text}"
    );
}

#[test]
fn other_shapes_and_other_tensors_are_listed() {
    let mut all = weights("");
    all[0] = ("encoder.1.weight".into(), vec![3, 4], vec![0.0; 12]);
    assert_eq!(
        error(&all),
        "expected encoder.1.weight of shape [2, 4], got encoder.1.weight [3, 4] in F32. Build the model \
         with the layers that the file's weights belong to"
    );
    let mut all = weights("model.");
    for i in 0..5 {
        all.push((
            format!("model.encoder.{}.bias", 3 + i),
            vec![2],
            vec![0.0; 2],
        ));
    }
    assert_eq!(
        error(&all),
        "expected only this model's weights, got also model.encoder.3.bias [2] in F32, \
         model.encoder.4.bias [2] in F32, model.encoder.5.bias [2] in F32 and 2 more. Build the model \
         with the layers that the file's weights belong to"
    );
}

#[test]
fn a_file_with_an_architecture_of_its_own_is_sent_to_load_which_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ae.safetensors");
    let layers = [Flatten, Relu, Linear(2)];
    let other = Autoencoder::symmetric((1, 2, 2), &layers).unwrap();
    other.save(&path).unwrap();
    let error = stripped(&path, model().load_weights(&path).unwrap_err());
    assert_eq!(
        error,
        "expected encoder.1.weight of shape [2, 4], got encoder.2.weight [2, 4] in F32, encoder.2.bias \
         [2] in F32. The file is of another architecture: load it with Autoencoder::load"
    );
    assert_eq!(Autoencoder::load(&path).unwrap().encoder(), layers);
    // Weights that do not fit the file's own architecture.
    let mut bytes = std::fs::read(&path).unwrap();
    let name = b"encoder.2.bias";
    let at = bytes.windows(name.len()).position(|text| text == name);
    bytes[at.unwrap() + 8] = b'9';
    std::fs::write(&path, bytes).unwrap();
    let error = stripped(&path, Autoencoder::load(&path).unwrap_err());
    assert!(
        !error.contains("load it with Autoencoder::load"),
        "a circle: {error}"
    );
}

#[test]
fn files_of_torch_save_are_answered_by_the_code_that_converts_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.pt");
    let mut zip = b"PK\x03\x04\0\0\x08\x08".to_vec();
    zip.extend([0; 18]);
    zip.extend(b"\x0e\0\x12\0model/data.pkl");
    zip.extend([7; 1 << 16]);
    for bytes in [
        &zip[..],
        b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
    ] {
        std::fs::write(&path, bytes).unwrap();
        for error in [
            Autoencoder::load(&path).unwrap_err(),
            model().load_weights(&path).unwrap_err(),
        ] {
            let text = stripped(&path, error);
            assert!(
                text.starts_with("expected a safetensors file, got a "),
                "{text}"
            );
            let safetensors = path.with_extension("safetensors");
            let code = format!("\"state_dict\", state), {safetensors:?})");
            assert!(
                text.contains("torch.load(") && text.ends_with(&code),
                "{text}"
            );
        }
    }
}
