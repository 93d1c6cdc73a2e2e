//! Reconstruction losses against PyTorch:
//!
//! ```python
//! import torch, torch.nn.functional as F
//! y = torch.tensor([0.1, 0.5, 1.0, 0.0], requires_grad=True)
//! x = torch.tensor([0.0, 0.25, 1.0, 1.0])
//! F.mse_loss(y, x); F.binary_cross_entropy(y[:3], x[:3]); F.binary_cross_entropy(y, x)
//! y = torch.tensor([0.0, 2.0, -3.0, 20.0, 100.0, 100.0, -100.0, -100.0], requires_grad=True)
//! x = torch.tensor([0.3, 1.0, 0.25, 0.9, 0.0, 1.0, 1.0, 0.0])
//! loss = F.binary_cross_entropy_with_logits(y, x); loss.backward(); loss, y.grad
//! ```

use candlebook::prelude::*;

fn tensor(values: &[f32]) -> Tensor {
    Tensor::new(values, &Device::Cpu).unwrap()
}

fn value(loss: Loss, y: &[f32], x: &[f32]) -> f32 {
    loss.of(&tensor(y), &tensor(x))
        .unwrap()
        .to_scalar()
        .unwrap()
}

#[test]
fn values_match_pytorch() {
    let (y, x) = ([0.1, 0.5, 1.0, 0.0], [0.0, 0.25, 1.0, 1.0]);
    assert!((value(Loss::Mse, &y, &x) - 0.268125).abs() < 1e-6);
    // (0.105361 + 0.693147 + 0) / 3
    assert!((value(Loss::BinaryCrossEntropy, &y[..3], &x[..3]) - 0.266169).abs() < 1e-5);
}

#[test]
fn cross_entropy_with_large_logits_and_its_gradients_match_pytorch() {
    let y = Var::from_tensor(&tensor(&[
        0.0, 2.0, -3.0, 20.0, 100.0, 100.0, -100.0, -100.0,
    ]))
    .unwrap();
    let x = tensor(&[0.3, 1.0, 0.25, 0.9, 0.0, 1.0, 1.0, 0.0]);
    let loss = Loss::BinaryCrossEntropyWithLogits.of(&y, &x).unwrap();
    assert!((loss.to_scalar::<f32>().unwrap() - 25.452_332).abs() < 1e-5);
    let found = loss
        .backward()
        .unwrap()
        .get(&y)
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    let expected = [
        0.025,
        -0.014_900_371,
        -0.025_321_767,
        0.0125,
        0.125,
        0.0,
        -0.125,
        0.0,
    ];
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-7, "{found:?}, expected {expected:?}");
    }
}

#[test]
fn cross_entropy_with_logits_equals_cross_entropy_of_the_sigmoid() {
    let (y, x) = ([0.4f32, -1.7, 3.0], [0.0f32, 0.3, 1.0]);
    let probabilities = y.map(|y| 1.0 / (1.0 + (-y).exp()));
    let difference = value(Loss::BinaryCrossEntropyWithLogits, &y, &x)
        - value(Loss::BinaryCrossEntropy, &probabilities, &x);
    assert!(difference.abs() < 1e-6, "{difference}");
}

#[test]
fn nan_and_infinity_are_not_hidden() {
    for loss in [Loss::Mse, Loss::BinaryCrossEntropyWithLogits] {
        for (y, x) in [(f32::NAN, 0.5), (0.5, f32::NAN), (f32::INFINITY, 1.0)] {
            let loss_value = value(loss, &[0.3, y], &[0.2, x]);
            assert!(
                !loss_value.is_finite(),
                "{loss} of {y} and {x}: {loss_value}"
            );
        }
    }
}

#[test]
fn a_confident_error_has_a_large_but_finite_loss() {
    // The logarithm is clamped at -87.3; PyTorch clamps it at -100.
    let loss_value = value(Loss::BinaryCrossEntropy, &[0.0], &[1.0]);
    assert!((80.0..=100.0).contains(&loss_value), "{loss_value}");
}

#[test]
fn gradients_match_finite_differences() {
    let x = [0.0f32, 0.25, 1.0, 0.6];
    let start = [0.1f32, 0.5, 0.7, 0.2];
    for loss in [
        Loss::Mse,
        Loss::BinaryCrossEntropy,
        Loss::BinaryCrossEntropyWithLogits,
    ] {
        let y = Var::from_tensor(&tensor(&start)).unwrap();
        let gradients = loss
            .of(y.as_tensor(), &tensor(&x))
            .unwrap()
            .backward()
            .unwrap();
        let exact = gradients.get(&y).unwrap().to_vec1::<f32>().unwrap();
        for i in 0..start.len() {
            let shifted = |shift: f32| {
                let mut y = start;
                y[i] += shift;
                f64::from(value(loss, &y, &x))
            };
            let slope = (shifted(1e-2) - shifted(-1e-2)) / 2e-2;
            assert!(
                (slope - f64::from(exact[i])).abs() < 1e-2 * slope.abs().max(0.1),
                "{loss}: {slope} {}",
                exact[i]
            );
        }
    }
}

#[test]
fn cross_entropies_reject_values_outside_the_unit_interval() {
    let tensor = |values: [f32; 2]| Tensor::new(&values, &Device::Cpu).unwrap();
    let (inside, outside) = (tensor([0.2, 0.9]), tensor([0.5, 1.5]));
    let error = |loss: Loss, output: &Tensor, target: &Tensor| {
        loss.of(output, target).unwrap_err().to_string()
    };
    let bce = Loss::BinaryCrossEntropy;
    assert_eq!(
        error(bce, &inside, &outside),
        "loss: expected a target in [0, 1] for the binary cross-entropy, got 1.5. Scale the data, or \
         choose Loss::Mse"
    );
    assert!(
        error(bce, &tensor([-0.5, 0.5]), &inside).contains("expected a reconstruction in [0, 1]")
    );
    let logits = Loss::BinaryCrossEntropyWithLogits;
    assert!(logits.of(&outside, &inside).is_ok());
    assert!(error(logits, &inside, &outside).contains("expected a target in [0, 1]"));
    assert!(Loss::Mse.of(&outside, &outside).is_ok());
    assert_eq!(
        error(Loss::Mse, &inside, &tensor([0.0; 2]).unsqueeze(0).unwrap()),
        "loss: expected a target of shape [2], got [1, 2]. Compare each image with its own \
         reconstruction"
    );
}
