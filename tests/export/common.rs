//! A small model, and files of its weights as other programs save them.

use candlebook::prelude::*;
use half::{bf16, f16};
use safetensors::tensor::{Dtype, TensorView};
use std::path::Path;

/// `module.encoder.1.weight`, its shape and its values.
pub type Weight = (String, Vec<usize>, Vec<f64>);

pub fn model() -> Autoencoder {
    Autoencoder::symmetric((1, 2, 2), &[Flatten, Linear(2), Relu]).unwrap()
}

/// Weights that are exact in every type.
pub fn weights(prefix: &str) -> Vec<Weight> {
    let (w1, b1) = (
        [0.5, 0.25, 0.0, -0.5, 0.25, 0.75, -0.25, 1.0],
        [0.125, -0.25],
    );
    let (w2, b2) = (
        [1.0, -0.5, 0.5, 2.0, -1.5, 0.25, 0.0, 1.0],
        [0.25, -0.5, 0.75, 0.0],
    );
    let tensors: [(&str, &[usize], &[f64]); 4] = [
        ("encoder.1.weight", &[2, 4], &w1),
        ("encoder.1.bias", &[2], &b1),
        ("decoder.0.weight", &[4, 2], &w2),
        ("decoder.0.bias", &[4], &b2),
    ];
    let named = |(name, shape, values): (&str, &[usize], &[f64])| {
        (format!("{prefix}{name}"), shape.to_vec(), values.to_vec())
    };
    tensors.map(named).to_vec()
}

/// Reconstruction by [`model`] with [`weights`].
pub fn reconstructed(ae: &Autoencoder) -> Vec<f32> {
    let x = Tensor::new(&[[[[1f32, 0.5], [0.25, 0.75]]]], &Device::Cpu).unwrap();
    let y = ae.reconstruct(&x).unwrap().flatten_all().unwrap();
    y.to_vec1().unwrap()
}

/// ```python
/// x = [1.0, 0.5, 0.25, 0.75]
/// code = [max(0.0, sum(w * v for w, v in zip(row, x)) + b) for row, b in zip(W1, b1)]
/// print([1 / (1 + math.exp(-(sum(w * v for w, v in zip(row, code)) + b))) for row, b in zip(W2, b2)])
/// ```
pub fn assert_reconstructs(name: &str, ae: &Autoencoder) {
    let expected = [0.52342, 0.859664, 0.611382, 0.743168];
    let found = reconstructed(ae);
    let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
    assert!(found.iter().zip(&expected).all(close), "{name}: {found:?}");
}

fn bytes(dtype: Dtype, values: &[f64]) -> Vec<u8> {
    let convert = |value: f64| match dtype {
        Dtype::F64 => value.to_le_bytes().to_vec(),
        Dtype::F16 => f16::from_f64(value).to_le_bytes().to_vec(),
        Dtype::BF16 => bf16::from_f64(value).to_le_bytes().to_vec(),
        Dtype::I64 => (value as i64).to_le_bytes().to_vec(),
        Dtype::I8 => vec![value as i8 as u8],
        _ => (value as f32).to_le_bytes().to_vec(),
    };
    values.iter().copied().flat_map(convert).collect()
}

/// Writes a file in the type that `dtype` gives to each name.
pub fn write_types(path: &Path, weights: &[Weight], dtype: impl Fn(&str) -> Dtype) {
    let all: Vec<Vec<u8>> = weights
        .iter()
        .map(|(name, _, values)| bytes(dtype(name), values))
        .collect();
    let views = weights.iter().zip(&all).map(|((name, shape, _), bytes)| {
        let view = TensorView::new(dtype(name), shape.clone(), bytes).unwrap();
        (name.clone(), view)
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// Writes a file in one type.
pub fn write(path: &Path, weights: &[Weight], dtype: Dtype) {
    write_types(path, weights, |_| dtype);
}
