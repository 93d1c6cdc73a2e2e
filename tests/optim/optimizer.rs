//! Adam, AdamW, Adadelta, RMSprop and SGD against PyTorch:
//!
//! ```python
//! import torch
//! from torch.optim import Adadelta, AdamW, RMSprop, SGD
//! for make in (lambda w: AdamW(w, lr=0.01, weight_decay=0.0),
//!              lambda w: AdamW(w, lr=0.01, weight_decay=0.1),
//!              lambda w: Adadelta(w, lr=1.0),
//!              lambda w: Adadelta(w, lr=1.0, rho=0.95, eps=1e-8, weight_decay=0.1),
//!              lambda w: RMSprop(w, lr=0.01), lambda w: RMSprop(w, lr=0.01, centered=True),
//!              lambda w: RMSprop(w, lr=0.01, centered=True, weight_decay=0.1),
//!              lambda w: SGD(w, lr=0.01), lambda w: SGD(w, lr=0.01, momentum=0.9),
//!              lambda w: SGD(w, lr=0.01, momentum=0.9, weight_decay=0.1)):
//!     w = torch.tensor([1.0, -2.0, 0.5], requires_grad=True)
//!     opt = make([w])
//!     for step in range(5):
//!         opt.zero_grad(); ((w * torch.tensor([1.0, 3.0, 0.0])) ** 2).sum().backward(); opt.step()
//!     print(w.tolist())
//! ```

use candlebook::optim::{Adadelta, Adam, Optimizer, Rates, RmsProp};
use candlebook::prelude::*;

/// Weights after five steps. f32 uses the fused update, f64 candle's tensor operations.
fn five_steps(dtype: DType, optim: Optim, weight_decay: f64) -> Vec<f32> {
    let learning_rate = match optim {
        Optim::Adadelta(_) => 1.0,
        _ => 0.01,
    };
    let tensor = |values: [f32; 3]| {
        let tensor = Tensor::new(&values, &Device::Cpu).unwrap();
        tensor.to_dtype(dtype).unwrap()
    };
    let w = Var::from_tensor(&tensor([1.0, -2.0, 0.5])).unwrap();
    let factor = tensor([1.0, 3.0, 0.0]);
    let rates = Rates {
        learning_rate,
        weight_decay,
    };
    let mut optimizer = Optimizer::new(vec![w.clone()], &optim, rates).unwrap();
    for _ in 0..5 {
        let scaled = (w.as_tensor() * &factor).unwrap();
        let loss = scaled.sqr().unwrap().sum_all().unwrap();
        optimizer.backward_step(&loss).unwrap();
    }
    w.to_dtype(DType::F32).unwrap().to_vec1().unwrap()
}

fn assert_five_steps(optim: Optim, weight_decay: f64, expected: [f32; 3]) {
    for dtype in [DType::F32, DType::F64] {
        let found = five_steps(dtype, optim, weight_decay);
        for (a, b) in found.iter().zip(expected) {
            assert!(
                (a - b).abs() < 1e-6,
                "{optim}, weight decay {weight_decay}, {dtype:?}: {found:?}, expected {expected:?}"
            );
        }
    }
}

#[test]
fn steps_of_adam_match_pytorch() {
    assert_five_steps(Optim::adam(), 0.0, [0.950_046_2, -1.950_022_3, 0.5]);
    assert_five_steps(Optim::adam(), 0.1, [0.945_161_04, -1.940_147, 0.497_505_04]);
}

#[test]
fn steps_of_adadelta_match_pytorch() {
    let adadelta = Optim::Adadelta(Adadelta::default());
    assert_five_steps(adadelta, 0.0, [0.983_631_4, -1.983_599_2, 0.5]);
    let adadelta = Optim::Adadelta(Adadelta {
        rho: 0.95,
        eps: 1e-8,
    });
    assert_five_steps(adadelta, 0.1, [0.997_722_6, -1.997_721_9, 0.497_723_94]);
}

#[test]
fn steps_of_rms_prop_match_pytorch() {
    let rms_prop = |centered| {
        Optim::RmsProp(RmsProp {
            centered,
            ..Default::default()
        })
    };
    assert_five_steps(rms_prop(false), 0.0, [0.696_465_8, -1.685_481_5, 0.5]);
    assert_five_steps(rms_prop(true), 0.0, [0.692_839_9, -1.681_506_3, 0.5]);
    assert_five_steps(
        rms_prop(true),
        0.1,
        [0.692_839_86, -1.681_506_3, 0.218_780_74],
    );
}

#[test]
fn steps_of_sgd_match_pytorch() {
    assert_five_steps(Optim::sgd(0.0), 0.0, [0.903_920_8, -0.741_479_7, 0.5]);
    assert_five_steps(Optim::sgd(0.9), 0.0, [0.749_316_5, 1.004_307_3, 0.5]);
    assert_five_steps(
        Optim::sgd(0.9),
        0.1,
        [0.737_411_6, 1.012_831_3, 0.493_443_4],
    );
}

#[test]
fn steps_of_adam_follow_the_formula_for_other_betas() {
    let optim = Optim::Adam(Adam {
        beta1: 0.5,
        beta2: 0.75,
        eps: 0.1,
        ..Default::default()
    });
    // The recursion of the paper, in f64.
    let (mut w, mut m, mut v) = ([1f64, -2.0, 0.5], [0f64; 3], [0f64; 3]);
    for step in 1..=5 {
        for (i, factor) in [1f64, 3.0, 0.0].into_iter().enumerate() {
            let gradient = 2.0 * factor * factor * w[i];
            m[i] = 0.5 * m[i] + 0.5 * gradient;
            v[i] = 0.75 * v[i] + 0.25 * gradient * gradient;
            let (mean, square) = (
                m[i] / (1.0 - 0.5f64.powi(step)),
                v[i] / (1.0 - 0.75f64.powi(step)),
            );
            w[i] -= 0.01 * mean / (square.sqrt() + 0.1);
        }
    }
    assert_five_steps(optim, 0.0, w.map(|w| w as f32));
}

#[test]
fn a_loss_of_several_values_is_rejected() {
    let w = Var::new(&[1f32, 2.0], &Device::Cpu).unwrap();
    let mut optimizer = Optimizer::new(vec![w.clone()], &Optim::adam(), Rates::default()).unwrap();
    let error = optimizer
        .backward_step(w.as_tensor())
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "loss: expected one value, got [2]. Take the mean with .mean_all()"
    );
}

#[test]
fn settings_outside_their_range_are_rejected() {
    let w = Var::new(&[1f32], &Device::Cpu).unwrap();
    let error = Optimizer::new(vec![w], &Optim::sgd(-0.1), Rates::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("Sgd::momentum: expected a number in [0, 1), got -0.1")
    );
}

#[test]
fn an_optimizer_of_nothing_is_rejected() {
    let error = Optimizer::new(vec![], &Optim::adam(), Rates::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "variables: expected at least one, got none. Pass ae.parameters()"
    );
}

#[test]
fn a_step_without_any_gradient_is_an_error_and_changes_nothing() {
    let w = Var::new(&[2f32], &Device::Cpu).unwrap();
    let other = Var::new(&[1f32], &Device::Cpu).unwrap();
    let rates = Rates {
        weight_decay: 0.1,
        ..Default::default()
    };
    let mut optimizer = Optimizer::new(vec![w.clone()], &Optim::adam(), rates).unwrap();
    let loss = other.sqr().unwrap().sum_all().unwrap();
    let error = optimizer.backward_step(&loss).unwrap_err().to_string();
    assert!(
        error.starts_with("Optimizer::step: expected a gradient of at least one of 1 variables"),
        "{error}"
    );
    assert_eq!(w.to_vec1::<f32>().unwrap(), [2.0]);
    // One variable of two is enough: the other one is frozen.
    let both = vec![w.clone(), other.clone()];
    let mut optimizer = Optimizer::new(both, &Optim::adam(), rates).unwrap();
    optimizer.backward_step(&loss).unwrap();
    assert_eq!(w.to_vec1::<f32>().unwrap(), [2.0]);
    assert_ne!(other.to_vec1::<f32>().unwrap(), [1.0]);
}
