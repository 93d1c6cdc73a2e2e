//! Images and codes that formulas define, here and in Python.

use candlebook::prelude::*;

/// ```python
/// def image(phase, c, h, w):
///     i = np.arange(c * h * w)
///     return (0.5 + 0.5 * np.sin(0.37 * i + phase)).astype(np.float32).reshape(c, h, w)
/// ```
pub fn image(phase: f64, shape: (usize, usize, usize)) -> Tensor {
    let value = |i: usize| (0.5 + 0.5 * (0.37 * i as f64 + phase).sin()) as f32;
    let values: Vec<f32> = (0..shape.0 * shape.1 * shape.2).map(value).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Codes and labels.
///
/// ```python
/// def problem(n, start):
///     i, j = np.arange(start, start + n), np.arange(4)
///     y = i % 3
///     x = 10 + np.sin(0.7 * np.outer(i, j + 1) + j) * (1 + j) + 0.8 * (y[:, None] == j[None, :])
///     return x.astype(np.float32), y
/// ```
pub fn problem(n: usize, start: usize) -> (Tensor, Vec<u32>) {
    let labels: Vec<u32> = (start..start + n).map(|i| (i % 3) as u32).collect();
    let value = |i: usize, j: usize| {
        let wave = (0.7 * (i * (j + 1)) as f64 + j as f64).sin() * (1 + j) as f64;
        10.0 + wave + if i % 3 == j { 0.8 } else { 0.0 }
    };
    let rows = (start..start + n).flat_map(|i| (0..4).map(move |j| value(i, j) as f32));
    let codes = Tensor::from_vec(rows.collect(), (n, 4), &Device::Cpu).unwrap();
    (codes, labels)
}

/// A data set of 12 x 12 stripes: label 0 along rows, label 1 along columns, of several widths.
pub fn stripes(n: usize, labels: bool) -> Split {
    let pixel = |i: usize, at: usize| {
        let along = if i.is_multiple_of(2) {
            at / 12
        } else {
            at % 12
        };
        u8::from((along + i / 2) % (3 + i % 4) < 2) * 255
    };
    let bytes = (0..n).flat_map(|i| (0..144).map(move |at| pixel(i, at)));
    let classes = labels.then(|| (0..n).map(|i| (i % 2) as u32).collect());
    Split::from_bytes(bytes.collect(), (1, 12, 12), classes).unwrap()
}

pub fn data(labels: bool) -> Dataset {
    Dataset::new(
        "stripes",
        "a formula",
        stripes(64, labels),
        stripes(24, labels),
    )
    .unwrap()
}

pub fn model(data: &Dataset) -> Autoencoder {
    Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(6)]).unwrap()
}

pub fn error<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().to_string()
}
