//! Twenty steps of each optimizer with settings that are not the defaults, against PyTorch 2.15:
//!
//! ```python
//! import math, torch
//! from torch.optim import *
//! def run(make, steps=20):
//!     w = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64, requires_grad=True)
//!     opt = make([w])
//!     for step in range(steps):
//!         opt.zero_grad()
//!         f = torch.tensor([1.0, 3.0, 0.0, 0.5], dtype=torch.float64)
//!         loss = ((w * f) ** 2).sum() + (w[0] * w[3]) * math.cos(step)
//!         loss.backward(); opt.step()
//!     return [float("%.9g" % v) for v in w.detach()]
//! class Lion(torch.optim.Optimizer):
//!     def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
//!         super().__init__(params, dict(lr=lr, betas=betas, wd=weight_decay))
//!     @torch.no_grad()
//!     def step(self):
//!         for g in self.param_groups:
//!             for p in g["params"]:
//!                 m = self.state[p].setdefault("m", torch.zeros_like(p))
//!                 c = g["betas"][0] * m + (1 - g["betas"][0]) * p.grad
//!                 p.mul_(1 - g["lr"] * g["wd"]).sub_(g["lr"] * c.sign())
//!                 m.mul_(g["betas"][1]).add_(p.grad, alpha=1 - g["betas"][1])
//! cases = {
//!  "Adam": lambda w: AdamW(w, lr=0.05, weight_decay=0.1, betas=(0.8,0.95), eps=1e-4),
//!  "Adam coupled": lambda w: Adam(w, lr=0.05, weight_decay=0.1),
//!  "Adam amsgrad": lambda w: AdamW(w, lr=0.05, weight_decay=0.1, betas=(0.8,0.7), amsgrad=True),
//!  "Adam amsgrad coupled": lambda w: Adam(w, lr=0.05, weight_decay=0.1, betas=(0.8,0.7), amsgrad=True),
//!  "Adamax": lambda w: Adamax(w, lr=0.05),
//!  "Adamax2": lambda w: Adamax(w, lr=0.05, betas=(0.8,0.9), eps=1e-4, weight_decay=0.1),
//!  "NAdam": lambda w: NAdam(w, lr=0.05),
//!  "NAdam2": lambda w: NAdam(w, lr=0.05, betas=(0.8,0.95), eps=1e-4, weight_decay=0.1, momentum_decay=0.05),
//!  "NAdam dec": lambda w: NAdam(w, lr=0.05, weight_decay=0.1, decoupled_weight_decay=True),
//!  "RMSprop": lambda w: RMSprop(w, lr=0.01, alpha=0.9, eps=1e-4, weight_decay=0.1, momentum=0.9),
//!  "RMSprop cent": lambda w: RMSprop(w, lr=0.01, alpha=0.9, eps=1e-2, weight_decay=0.1, momentum=0.9, centered=True),
//!  "RMSprop cent nomom": lambda w: RMSprop(w, lr=0.01, alpha=0.9, eps=1e-2, weight_decay=0.1, centered=True),
//!  "SGD damp": lambda w: SGD(w, lr=0.01, momentum=0.9, dampening=0.5, weight_decay=0.1),
//!  "SGD nest": lambda w: SGD(w, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.1),
//!  "Adagrad": lambda w: Adagrad(w, lr=0.1),
//!  "Adagrad2": lambda w: Adagrad(w, lr=0.1, lr_decay=0.05, weight_decay=0.1, initial_accumulator_value=0.5, eps=1e-3),
//!  "Adadelta": lambda w: Adadelta(w, lr=1.0, rho=0.8, eps=1e-3, weight_decay=0.1),
//!  "Lion": lambda w: Lion(w, lr=0.02),
//!  "Lion2": lambda w: Lion(w, lr=0.02, betas=(0.8, 0.95), weight_decay=0.1),
//! }
//! for k, m in cases.items(): print(k, run(m))
//! ```
//!
//! The gradients change their signs, and one of them is always zero. PyTorch has no Lion: the class above
//! is algorithm 2 of the paper.

use candlebook::optim::{
    Adadelta, Adagrad, Adam, Adamax, Lion, NAdam, Optimizer, Rates, RmsProp, Sgd,
};
use candlebook::prelude::*;

/// Weights after twenty steps. f32 uses the fused update, f64 candle's tensor operations.
fn twenty_steps(dtype: DType, optim: Optim, rates: Rates) -> Vec<f64> {
    let tensor = |values: &[f64]| {
        let tensor = Tensor::new(values, &Device::Cpu).unwrap();
        tensor.to_dtype(dtype).unwrap()
    };
    let w = Var::from_tensor(&tensor(&[1.0, -2.0, 0.5, 3.0])).unwrap();
    let factor = tensor(&[1.0, 3.0, 0.0, 0.5]);
    let mut optimizer = Optimizer::new(vec![w.clone()], &optim, rates).unwrap();
    for step in 0..20 {
        let squares = (w.as_tensor() * &factor).unwrap().sqr().unwrap();
        let product = (w.get(0).unwrap() * w.get(3).unwrap()).unwrap();
        let product = (product * f64::from(step).cos()).unwrap();
        let loss = (squares.sum_all().unwrap() + product).unwrap();
        optimizer.backward_step(&loss).unwrap();
    }
    w.to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

fn check(optim: Optim, learning_rate: f64, weight_decay: f64, expected: [f64; 4]) {
    let rates = Rates {
        learning_rate,
        weight_decay,
    };
    // Relative to weights above 1, whose f32 have that many digits.
    for (dtype, tolerance) in [(DType::F64, 1e-8), (DType::F32, 1e-6)] {
        let found = twenty_steps(dtype, optim, rates);
        for (a, b) in found.iter().zip(expected) {
            assert!(
                (a - b).abs() < tolerance * b.abs().max(1.0),
                "{optim}, {dtype:?}: {found:?}, expected {expected:?}"
            );
        }
    }
}

#[test]
fn adam() {
    let other = Adam {
        beta1: 0.8,
        beta2: 0.95,
        eps: 1e-4,
        ..Default::default()
    };
    let expected = [0.352002175, -0.919914612, 0.45230524, 1.88430255];
    check(Optim::Adam(other), 0.05, 0.1, expected);
    let coupled = Adam {
        decoupled_weight_decay: false,
        ..Default::default()
    };
    let expected = [0.369836678, -1.0401854, -0.13557702, 2.08902549];
    check(Optim::Adam(coupled), 0.05, 0.1, expected);
    let amsgrad = Adam {
        beta1: 0.8,
        beta2: 0.7,
        amsgrad: true,
        ..Default::default()
    };
    let expected = [0.413558767, -0.950770888, 0.45230524, 1.96675727];
    check(Optim::Adam(amsgrad), 0.05, 0.1, expected);
    let coupled = Adam {
        decoupled_weight_decay: false,
        ..amsgrad
    };
    let expected = [0.463225998, -1.07736023, -0.0380664896, 2.17324829];
    check(Optim::Adam(coupled), 0.05, 0.1, expected);
}

#[test]
fn adamax() {
    let defaults = Optim::Adamax(Adamax::default());
    check(
        defaults,
        0.05,
        0.0,
        [0.59443611, -1.13184061, 0.5, 2.39007138],
    );
    let other = Adamax {
        beta1: 0.8,
        beta2: 0.9,
        eps: 1e-4,
    };
    let expected = [0.464156112, -0.89372997, 0.0158024148, 2.11524403];
    check(Optim::Adamax(other), 0.05, 0.1, expected);
}

#[test]
fn nadam() {
    let defaults = NAdam::default();
    let expected = [0.507355957, -1.21235248, 0.5, 2.27758178];
    check(Optim::NAdam(defaults), 0.05, 0.0, expected);
    let other = NAdam {
        beta1: 0.8,
        beta2: 0.95,
        eps: 1e-4,
        momentum_decay: 0.05,
        ..defaults
    };
    let expected = [0.453829817, -1.13249125, -0.0115913623, 2.17432407];
    check(Optim::NAdam(other), 0.05, 0.1, expected);
    let decoupled = NAdam {
        decoupled_weight_decay: true,
        ..defaults
    };
    let expected = [0.445945699, -1.07440925, 0.45230524, 2.03899524];
    check(Optim::NAdam(decoupled), 0.05, 0.1, expected);
}

#[test]
fn rms_prop() {
    let momentum = RmsProp {
        alpha: 0.9,
        eps: 1e-4,
        momentum: 0.9,
        ..Default::default()
    };
    let expected = [0.0550512562, -0.369933066, -0.0651007242, 1.45052583];
    check(Optim::RmsProp(momentum), 0.01, 0.1, expected);
    let centered = RmsProp {
        eps: 1e-2,
        centered: true,
        ..momentum
    };
    let expected = [-0.0301039379, 0.054993359, -0.165265967, 0.976428651];
    check(Optim::RmsProp(centered), 0.01, 0.1, expected);
    let without = RmsProp {
        momentum: 0.0,
        ..centered
    };
    let expected = [0.782301356, -1.5431298, 0.240153712, 2.62667334];
    check(Optim::RmsProp(without), 0.01, 0.1, expected);
}

#[test]
fn sgd() {
    let sgd = Sgd {
        momentum: 0.9,
        ..Default::default()
    };
    let dampened = Sgd {
        dampening: 0.5,
        ..sgd
    };
    let expected = [-0.0326893429, -0.722999158, 0.468103701, 1.88512421];
    check(Optim::Sgd(dampened), 0.01, 0.1, expected);
    let nesterov = Sgd {
        nesterov: true,
        ..sgd
    };
    let expected = [-0.230128379, 0.0930975366, 0.437943659, 1.10354278];
    check(Optim::Sgd(nesterov), 0.01, 0.1, expected);
}

#[test]
fn adagrad() {
    let defaults = Optim::Adagrad(Adagrad::default());
    check(
        defaults,
        0.1,
        0.0,
        [0.578094971, -1.30248343, 0.5, 2.37784332],
    );
    let other = Adagrad {
        rate_decay: 0.05,
        initial_sum: 0.5,
        eps: 1e-3,
    };
    let expected = [0.659204599, -1.44833586, 0.410819729, 2.51049574];
    check(Optim::Adagrad(other), 0.1, 0.1, expected);
}

#[test]
fn adadelta() {
    let adadelta = Adadelta {
        rho: 0.8,
        eps: 1e-3,
    };
    let expected = [0.359889629, -0.700788913, 0.0657525062, 1.82257825];
    check(Optim::Adadelta(adadelta), 1.0, 0.1, expected);
}

#[test]
fn lion() {
    let defaults = Optim::Lion(Lion::default());
    check(defaults, 0.02, 0.0, [0.64, -1.6, 0.5, 2.6]);
    let other = Lion {
        beta1: 0.8,
        beta2: 0.95,
    };
    let expected = [0.568260527, -1.52901148, 0.480375479, 2.48976244];
    check(Optim::Lion(other), 0.02, 0.1, expected);
}
