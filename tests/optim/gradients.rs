//! Clipping, accumulation and noise of gradients. Clipping against PyTorch 2.15:
//!
//! ```python
//! import torch
//! from torch.nn.utils import clip_grad_norm_, clip_grad_value_
//! def run(clip, steps=20):
//!     a = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
//!     b = torch.tensor([3.0], dtype=torch.float64, requires_grad=True)
//!     opt = torch.optim.SGD([a, b], lr=0.05, momentum=0.9)
//!     for _ in range(steps):
//!         opt.zero_grad()
//!         ((a * a).sum() * 2 + (a[0] * b[0]) ** 2).backward()
//!         clip([a, b]); opt.step()
//!     return [float("%.9g" % v) for v in (*a.detach(), *b.detach())]
//! print(run(lambda p: clip_grad_norm_(p, 2.0)))
//! print(run(lambda p: clip_grad_value_(p, 1.5)))
//! print(run(lambda p: (clip_grad_value_(p, 1.5), clip_grad_norm_(p, 2.0))))
//! ```

use candlebook::optim::{Gradients, Optimizer, Rates};
use candlebook::prelude::*;

/// Weights after twenty clipped steps.
fn clipped(gradients: Gradients) -> Vec<f64> {
    let var = |values: &[f64]| Var::new(values, &Device::Cpu).unwrap();
    let (a, b) = (var(&[1.0, -2.0]), var(&[3.0]));
    let rates = Rates {
        learning_rate: 0.05,
        weight_decay: 0.0,
    };
    let both = vec![a.clone(), b.clone()];
    let mut optimizer = Optimizer::new(both, &Optim::sgd(0.9), rates).unwrap();
    optimizer.set_gradients(gradients, 0).unwrap();
    for _ in 0..20 {
        let squares = (a.sqr().unwrap().sum_all().unwrap() * 2.0).unwrap();
        let product = (a.narrow(0, 0, 1).unwrap() * b.as_tensor()).unwrap();
        let loss = (squares + product.sqr().unwrap().sum_all().unwrap()).unwrap();
        optimizer.backward_step(&loss).unwrap();
    }
    [a, b]
        .iter()
        .flat_map(|var| var.to_vec1::<f64>().unwrap())
        .collect()
}

#[test]
fn clipping_matches_pytorch() {
    let norm = Some(2.0);
    let value = Some(1.5);
    for (clip_norm, clip_value, expected) in [
        (norm, None, [-0.277297217, -0.161808169, 1.6050254]),
        (None, value, [-0.102771521, -0.488938169, -0.771097025]),
        (norm, value, [-0.0487057695, -0.402025643, -0.213442963]),
    ] {
        let found = clipped(Gradients {
            clip_norm,
            clip_value,
            ..Default::default()
        });
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-8, "{found:?}, expected {expected:?}");
        }
    }
}

fn data() -> Dataset {
    mnist_embedded().unwrap().take(200, 20)
}

/// Dense, convolutional and normalized layers.
fn model() -> Autoencoder {
    let encoder = [
        Conv2d(3, 3).stride(2),
        Relu,
        LayerNorm,
        Flatten,
        Linear(40),
        Tanh,
        Linear(6),
    ];
    Autoencoder::symmetric((1, 28, 28), &encoder).unwrap()
}

fn weights(ae: &Autoencoder) -> Vec<f32> {
    let all = [ae.variables(), ae.buffers()].concat();
    all.iter()
        .flat_map(|(_, var)| var.flatten_all().unwrap().to_vec1::<f32>().unwrap())
        .collect()
}

fn trained(fit: &Fit) -> Vec<f32> {
    let mut ae = model();
    ae.fit(&data(), fit).unwrap();
    weights(&ae)
}

fn fit(gradients: Gradients) -> Fit {
    Fit {
        epochs: 2,
        batch_size: 20,
        validation_split: 0.0,
        learning_rate: 0.5,
        optimizer: Optim::sgd(0.9),
        gradients,
        ..Default::default()
    }
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

/// Settings that change every gradient.
fn all_changes() -> Gradients {
    Gradients {
        clip_norm: Some(0.01),
        clip_value: Some(0.005),
        accumulate: 3,
        noise: 1e-3,
        ..Default::default()
    }
}

#[test]
fn both_executors_change_gradients_in_the_same_way() {
    let none = Gradients::default();
    let plain = trained(&fit(none));
    for gradients in [
        Gradients {
            clip_norm: Some(0.01),
            ..none
        },
        Gradients {
            clip_value: Some(0.001),
            ..none
        },
        Gradients {
            accumulate: 4,
            ..none
        },
        Gradients {
            noise: 1e-3,
            ..none
        },
        all_changes(),
    ] {
        let planned = trained(&fit(gradients));
        let autograd = trained(&Fit {
            planned: false,
            ..fit(gradients)
        });
        let difference = largest_difference(&planned, &autograd);
        assert!(difference < 1e-4, "{gradients:?}: {difference}");
        let effect = largest_difference(&planned, &plain);
        assert!(effect > 1e-3, "{gradients:?}: {effect}");
    }
}

#[test]
fn accumulated_batches_are_one_large_batch() {
    for planned in [true, false] {
        let accumulated = Fit {
            planned,
            // 10 batches of 20 images: 3 steps of 60, then one of 20.
            ..fit(Gradients {
                accumulate: 3,
                ..Default::default()
            })
        };
        let large = Fit {
            batch_size: 60,
            gradients: Gradients::default(),
            ..accumulated.clone()
        };
        let difference = largest_difference(&trained(&accumulated), &trained(&large));
        assert!(difference < 3e-5, "planned {planned}: {difference}");
        let length = accumulated.run_length(200);
        assert_eq!(length, large.run_length(200));
    }
}

#[test]
fn settings_outside_their_range_are_rejected_before_training() {
    let mut ae = model();
    let before = weights(&ae);
    let wrong = fit(Gradients {
        clip_norm: Some(-1.0),
        ..Default::default()
    });
    let error = ae.fit(&data(), &wrong).unwrap_err().to_string();
    assert!(
        error.starts_with("Gradients::clip_norm: expected a positive number"),
        "{error}"
    );
    assert!(weights(&ae) == before);
}
