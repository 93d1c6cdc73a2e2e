//! Adam, AdamW and SGD against PyTorch's numbers:
//!
//! ```python
//! import torch
//! from torch.optim import AdamW, SGD
//! for make in (lambda w: AdamW(w, lr=0.01, weight_decay=0.0), lambda w: AdamW(w, lr=0.01, weight_decay=0.1),
//!              lambda w: SGD(w, lr=0.01), lambda w: SGD(w, lr=0.01, momentum=0.9),
//!              lambda w: SGD(w, lr=0.01, momentum=0.9, weight_decay=0.1)):
//!     w = torch.tensor([1.0, -2.0, 0.5], requires_grad=True)
//!     opt = make([w])
//!     for step in range(5):
//!         opt.zero_grad(); ((w * torch.tensor([1.0, 3.0, 0.0])) ** 2).sum().backward(); opt.step()
//!     print(w.tolist())
//! ```

use candlebook::optim::{Adam, Optimizer, Sgd};
use candlebook::prelude::*;

/// In single precision, which takes one pass over the weights, or in double, which takes candle's own operations.
fn five_steps(dtype: DType, make: impl Fn(Vec<Var>) -> Result<Optimizer, Error>) -> Vec<f32> {
    let w = Var::from_tensor(
        &Tensor::new(&[1f32, -2.0, 0.5], &Device::Cpu)
            .unwrap()
            .to_dtype(dtype)
            .unwrap(),
    )
    .unwrap();
    let factor = Tensor::new(&[1f32, 3.0, 0.0], &Device::Cpu)
        .unwrap()
        .to_dtype(dtype)
        .unwrap();
    let mut optimizer = make(vec![w.clone()]).unwrap();
    for _ in 0..5 {
        let loss = (w.as_tensor() * &factor)
            .unwrap()
            .sqr()
            .unwrap()
            .sum_all()
            .unwrap();
        optimizer.backward_step(&loss).unwrap();
    }
    w.to_dtype(DType::F32).unwrap().to_vec1().unwrap()
}

fn near(found: &[f32], expected: [f32; 3], what: &str) {
    for (a, b) in found.iter().zip(expected) {
        assert!(
            (a - b).abs() < 1e-6,
            "{what}: {found:?}, expected {expected:?}"
        );
    }
}

#[test]
fn steps_of_adam_are_pytorchs() {
    let decays = [
        (0.0, [0.950_046_2, -1.950_022_3, 0.5]),
        (0.1, [0.945_161_04, -1.940_147, 0.497_505_04]),
    ];
    for (weight_decay, expected) in decays {
        for dtype in [DType::F32, DType::F64] {
            let adam = Adam {
                learning_rate: 0.01,
                weight_decay,
                ..Default::default()
            };
            near(
                &five_steps(dtype, |w| Optimizer::new(w, adam)),
                expected,
                &format!("decay {weight_decay}, {dtype:?}"),
            );
        }
    }
}

#[test]
fn steps_of_gradient_descent_are_pytorchs() {
    let cases = [
        (0.0, 0.0, [0.903_920_8, -0.741_479_7, 0.5]),
        (0.9, 0.0, [0.749_316_5, 1.004_307_3, 0.5]),
        (0.9, 0.1, [0.737_411_6, 1.012_831_3, 0.493_443_4]),
    ];
    for (momentum, weight_decay, expected) in cases {
        for dtype in [DType::F32, DType::F64] {
            let sgd = Sgd {
                learning_rate: 0.01,
                momentum,
                weight_decay,
            };
            near(
                &five_steps(dtype, |w| Optimizer::sgd(w, sgd)),
                expected,
                &format!("{sgd:?}, {dtype:?}"),
            );
        }
    }
}

#[test]
fn a_loss_of_several_values_is_an_error_in_words() {
    let w = Var::new(&[1f32, 2.0], &Device::Cpu).unwrap();
    let mut optimizer = Optimizer::new(vec![w.clone()], Adam::default()).unwrap();
    let error = optimizer
        .backward_step(w.as_tensor())
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "loss: expected one value, got [2]. Take the mean with .mean_all()"
    );
}
