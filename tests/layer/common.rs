//! Test images, and helpers that several files use.

use candlebook::data::ImageShape;
use candlebook::prelude::*;

/// A tensor of sin(0.7 i + k) * 0.3, as the PyTorch reference programs fill theirs.
pub fn filled(shape: &[usize], k: usize) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f32> = (0..n)
        .map(|i| ((i as f64 * 0.7 + k as f64).sin() * 0.3) as f32)
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Images in [0.1, 0.7].
pub fn images(shape: &[usize]) -> Tensor {
    (filled(shape, 50) + 0.4).unwrap()
}

/// A data set whose training and test split are these images.
pub fn dataset(images: &Tensor) -> Dataset {
    let split = Split::from_tensor(images, None).unwrap();
    Dataset::new("sines", "here", split.clone(), split).unwrap()
}

/// Training without a validation split.
pub fn fit(epochs: usize, batch: usize) -> Fit {
    Fit {
        epochs,
        batch_size: batch,
        validation_split: 0.0,
        ..Default::default()
    }
}

/// Runs `run` on this number of threads.
pub fn with_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(run)
}

/// Maximum absolute difference.
pub fn max_difference(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    (a - b)
        .unwrap()
        .abs()
        .unwrap()
        .max_all()
        .unwrap()
        .to_scalar()
        .unwrap()
}

/// Output of an encoder of one layer.
pub struct Encoded {
    pub codes: Tensor,
    /// Weight, and bias of shape (1, c, 1, 1), if the layer has them.
    pub vars: Option<(Tensor, Tensor)>,
}

/// Encodes images with one layer.
pub fn encoded(layer: Layer, images: &Tensor) -> Encoded {
    let (_, c, h, w) = images.dims4().unwrap();
    let decoder = [Flatten, Linear(c * h * w), Unflatten(c, h, w)];
    let ae = Autoencoder::new((c, h, w), &[layer], &decoder).unwrap();
    let vars: Vec<Tensor> = ae
        .variables()
        .into_iter()
        .filter(|(name, _)| name.starts_with("encoder"))
        .map(|(_, var)| var.as_tensor().clone())
        .collect();
    let vars = vars
        .first()
        .map(|weight| (weight.clone(), vars[1].reshape((1, (), 1, 1)).unwrap()));
    Encoded {
        codes: ae.encode(images).unwrap(),
        vars,
    }
}

/// Message of the error that building a model with a mirrored decoder gives.
pub fn build_error(encoder: &[Layer], shape: ImageShape) -> String {
    Autoencoder::symmetric(shape, encoder)
        .unwrap_err()
        .to_string()
}
