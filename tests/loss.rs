//! Losses against PyTorch's numbers:
//!
//! ```python
//! import torch, torch.nn.functional as F
//! y = torch.tensor([0.1, 0.5, 1.0, 0.0], requires_grad=True); x = torch.tensor([0.0, 0.25, 1.0, 1.0])
//! F.mse_loss(y, x); F.binary_cross_entropy(y[:3], x[:3]); F.binary_cross_entropy(y, x)
//! ```

use candlebook::prelude::*;

fn tensor(values: &[f32]) -> Tensor {
    Tensor::new(values, &Device::Cpu).unwrap()
}

fn value(loss: Loss, y: &[f32], x: &[f32]) -> f32 {
    loss.of(&tensor(y), &tensor(x)).unwrap().to_scalar().unwrap()
}

#[test]
fn values_are_pytorchs() {
    let (y, x) = ([0.1, 0.5, 1.0, 0.0], [0.0, 0.25, 1.0, 1.0]);
    assert!((value(Loss::Mse, &y, &x) - 0.268125).abs() < 1e-6);
    // (0.105361 + 0.693147 + 0) / 3
    assert!((value(Loss::BinaryCrossEntropy, &y[..3], &x[..3]) - 0.266169).abs() < 1e-5);
}

#[test]
fn a_sure_and_wrong_pixel_costs_much_but_stays_finite() {
    // The logarithm is cut off near e^-88, the smallest f32, where PyTorch cuts at -100.
    let cost = value(Loss::BinaryCrossEntropy, &[0.0], &[1.0]);
    assert!((80.0..=100.0).contains(&cost), "{cost}");
}

#[test]
fn gradients_agree_with_finite_differences() {
    let x = [0.0f32, 0.25, 1.0, 0.6];
    let at = [0.1f32, 0.5, 0.7, 0.2];
    for loss in [Loss::Mse, Loss::BinaryCrossEntropy] {
        let y = Var::from_tensor(&tensor(&at)).unwrap();
        let gradients = loss.of(y.as_tensor(), &tensor(&x)).unwrap().backward().unwrap();
        let exact = gradients.get(&y).unwrap().to_vec1::<f32>().unwrap();
        for i in 0..at.len() {
            let moved = |by: f32| {
                let mut y = at;
                y[i] += by;
                f64::from(value(loss, &y, &x))
            };
            let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            assert!((slope - f64::from(exact[i])).abs() < 1e-2 * slope.abs().max(0.1), "{loss}: {slope} {}", exact[i]);
        }
    }
}
