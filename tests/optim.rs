//! Adam and AdamW against PyTorch's numbers:
//!
//! ```python
//! import torch
//! for decay in (0.0, 0.1):
//!     w = torch.tensor([1.0, -2.0, 0.5], requires_grad=True)
//!     opt = torch.optim.AdamW([w], lr=0.01, weight_decay=decay)
//!     for step in range(5):
//!         opt.zero_grad(); ((w * torch.tensor([1.0, 3.0, 0.0])) ** 2).sum().backward(); opt.step()
//!     print(w.tolist())
//! ```

use candlebook::optim::{Adam, Optimizer};
use candlebook::prelude::*;

fn five_steps(weight_decay: f64) -> Vec<f32> {
    let w = Var::new(&[1f32, -2.0, 0.5], &Device::Cpu).unwrap();
    let factor = Tensor::new(&[1f32, 3.0, 0.0], &Device::Cpu).unwrap();
    let adam = Adam { learning_rate: 0.01, weight_decay, ..Default::default() };
    let mut optimizer = Optimizer::new(vec![w.clone()], adam).unwrap();
    for _ in 0..5 {
        let loss = (w.as_tensor() * &factor).unwrap().sqr().unwrap().sum_all().unwrap();
        optimizer.backward_step(&loss).unwrap();
    }
    w.to_vec1().unwrap()
}

#[test]
fn steps_are_pytorchs() {
    for (decay, expected) in [(0.0, PLAIN), (0.1, DECAYED)] {
        let found = five_steps(decay);
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "decay {decay}: {found:?}, expected {expected:?}");
        }
    }
}

const PLAIN: [f32; 3] = [0.950_046_2, -1.950_022_3, 0.5];
const DECAYED: [f32; 3] = [0.945_161_04, -1.940_147, 0.497_505_04];

#[test]
fn a_loss_of_several_values_is_an_error_in_words() {
    let w = Var::new(&[1f32, 2.0], &Device::Cpu).unwrap();
    let mut optimizer = Optimizer::new(vec![w.clone()], Adam::default()).unwrap();
    let error = optimizer.backward_step(w.as_tensor()).unwrap_err().to_string();
    assert_eq!(error, "loss: expected one value, got [2]. Take the mean with .mean_all()");
}
