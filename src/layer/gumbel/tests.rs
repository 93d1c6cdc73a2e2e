//! Samples, divergences and gradients, against PyTorch's.
//!
//! ```python
//! import torch
//! x = torch.tensor([[.5, -1, 2], [0, .3, -.2]], dtype=torch.float64, requires_grad=True)
//! u = torch.tensor([[.25, .5, .125], [.75, .0625, .5]], dtype=torch.float64)
//! g = -(-u.log()).log()
//! y = ((x + g) / .7).softmax(-1)
//! q, p = (torch.distributions.Categorical(logits=l) for l in (x, torch.zeros_like(x)))
//! kl = torch.distributions.kl_divergence(q, p)
//! w = torch.tensor([[1., -2, 3], [.5, 4, -1]], dtype=torch.float64)
//! print(y, kl.sum())
//! (y * w).sum().backward(retain_graph=True); print(x.grad); x.grad = None
//! (0.1 * kl.sum()).backward(); print(x.grad)
//! ```

use super::*;
use crate::layer::kind::ForwardState;
use crate::math::{BatchStats, Purpose, Rng};
use candle_core::Device;

const X: [f64; 6] = [0.5, -1.0, 2.0, 0.0, 0.3, -0.2];
const W: [f64; 6] = [1.0, -2.0, 3.0, 0.5, 4.0, -1.0];
const DIVERGENCE: f64 = 0.49847924;

fn assert_near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-7, "{found:?}, expected {expected:?}");
    }
}

fn samples() -> Vec<f64> {
    let units = [0.25f64, 0.5, 0.125, 0.75, 0.0625, 0.5];
    let mut values = units.map(|u| -(-u.ln()).ln());
    relaxed_samples(&X, 1.0 / 0.7, &mut values, 3);
    values.to_vec()
}

/// Gradients of an op of temperature 0.7 at PyTorch's samples.
fn gradients(straight_through: bool, term_scale: f64, dy: &[f64]) -> Vec<f64> {
    let op = GumbelOp(GumbelSettings {
        temperature: 0.7,
        straight_through,
        ..GumbelSettings::new(2, 3)
    });
    let mut log_q = X.to_vec();
    log_softmax(&mut log_q, 3);
    let mut workspace = Workspace::default();
    (workspace.scratch[0], workspace.scratch[1]) = (samples(), log_q);
    let shape = OpShape {
        stage: 0,
        rows: 1,
        inputs: 6,
        outputs: 6,
    };
    let mut dx = vec![0.0; 6];
    let args = BackwardArgs {
        x: &X,
        dy,
        dx: Some(&mut dx),
        weight: &[],
        stats: &BatchStats::default(),
        term_scale,
        step: 0,
    };
    op.backward(shape, args, &mut [workspace]);
    dx
}

#[test]
fn samples_and_divergences_are_those_of_pytorch() {
    let expected = [
        0.16415280, 0.05183942, 0.78400779, 0.78475966, 0.04733558, 0.16790476,
    ];
    assert_near(&samples(), &expected);
    let mut log_q = X;
    log_softmax(&mut log_q, 3);
    let divergence = negative_entropy(&log_q, 3) + 2.0 * 3f64.ln();
    assert_near(&[divergence], &[DIVERGENCE]);
}

#[test]
fn gradients_are_those_of_pytorch() {
    let of_samples = [
        -0.33123627,
        -0.32677327,
        0.65800953,
        0.09661808,
        0.24250574,
        -0.33912381,
    ];
    let of_term = [
        -0.01962773,
        -0.01024643,
        0.02987416,
        -0.00240251,
        0.00953732,
        -0.00713481,
    ];
    for straight_through in [false, true] {
        assert_near(&gradients(straight_through, 0.0, &W), &of_samples);
        assert_near(&gradients(straight_through, 0.1, &[0.0; 6]), &of_term);
    }
}

/// Output and term of the candle forward pass.
fn forward(settings: GumbelSettings, training: bool) -> (Vec<f64>, f64) {
    let xs = Tensor::new(&X, &Device::Cpu)
        .unwrap()
        .reshape((1, 6))
        .unwrap();
    let mut rng = Rng::new(0, Purpose::Dropout);
    let mut state = ForwardState::default();
    let mut context = ForwardContext {
        rng: training.then_some(&mut rng),
        state: &mut state,
    };
    let ys = settings
        .candle_forward(&xs, LayerVars::default(), &mut context)
        .unwrap();
    let term = state.terms[0].mean.to_scalar::<f64>().unwrap();
    (ys.flatten_all().unwrap().to_vec1().unwrap(), term)
}

#[test]
fn evaluation_gives_the_most_likely_classes_and_the_exact_divergence() {
    let settings = GumbelSettings {
        beta: 2.0,
        ..GumbelSettings::new(2, 3)
    };
    let (ys, term) = forward(settings, false);
    assert_eq!(ys, [0.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
    assert_near(&[term], &[2.0 * DIVERGENCE]);
}

#[test]
fn straight_through_samples_are_the_classes_of_the_relaxed_ones() {
    let relaxed = GumbelSettings::new(2, 3);
    let (mut expected, _) = forward(relaxed, true);
    assert!(expected.iter().all(|y| *y > 0.0 && *y < 1.0));
    one_hot(&mut expected, 3);
    let straight = GumbelSettings {
        straight_through: true,
        ..relaxed
    };
    assert_eq!(forward(straight, true).0, expected);
}

#[test]
fn the_largest_of_equal_values_is_the_first_and_nan_stays_visible() {
    let mut values = [2.0f32, 2.0, f32::NAN, 1.0];
    one_hot(&mut values, 2);
    assert_eq!(values[..2], [1.0, 0.0]);
    assert!(values[2].is_nan() && values[3].is_nan());
}

#[test]
fn the_temperature_falls_to_the_lowest_one() {
    let annealed = GumbelSettings {
        annealing: Some(Annealing {
            rate: 3e-5,
            min: 0.5,
        }),
        ..GumbelSettings::new(30, 10)
    };
    let at = |step| annealed.temperature_at(step);
    assert_near(&[at(0), at(10_000)], &[1.0, (-0.3f64).exp()]);
    assert_eq!((at(50_000), at(usize::MAX)), (0.5, 0.5));
    assert_eq!(GumbelSettings::new(30, 10).temperature_at(usize::MAX), 1.0);
}

#[test]
fn settings_and_inputs_that_do_not_fit_are_rejected() {
    let settings = GumbelSettings::new(30, 10);
    assert_eq!(settings.output_shape(&[300]), Ok(vec![300]));
    let error = settings.output_shape(&[40]).unwrap_err();
    assert_eq!(
        error.expected,
        "300 values, a logit for each of 30 x 10 classes"
    );
    assert_eq!(error.hint, "Put Linear(300) before it");
    assert!(settings.output_shape(&[3, 10, 10]).is_err());
    let fails = |change: fn(&mut GumbelSettings)| {
        let mut settings = settings;
        change(&mut settings);
        settings.output_shape(&[300]).is_err()
    };
    let anneal = |rate, min| Some(Annealing { rate, min });
    assert!(fails(|s| s.groups = 0));
    assert!(fails(|s| (s.groups, s.classes) = (300, 1)));
    assert!(fails(|s| s.groups = usize::MAX));
    assert!(fails(|s| s.beta = -1.0));
    assert!(fails(|s| s.temperature = 0.0));
    assert!(fails(|s| s.temperature = f64::NAN));
    for annealing in [
        anneal(-1e-5, 0.5),
        anneal(f64::NAN, 0.5),
        anneal(1e-5, 0.0),
        anneal(1e-5, 1.5),
    ] {
        let settings = GumbelSettings {
            annealing,
            ..settings
        };
        assert!(settings.output_shape(&[300]).is_err(), "{annealing:?}");
    }
}
