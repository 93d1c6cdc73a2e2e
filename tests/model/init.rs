//! First weights: moments of the schemes, orthogonality, single layers, seeds, and errors.

use candlebook::prelude::*;

const IMAGE: (usize, usize, usize) = (2, 24, 24);

/// A model with every kind of layer that has weights.
fn model(init: &Init) -> Result<Autoencoder, Error> {
    let conv = Conv2d(8, 3).padding(1);
    let block = Residual(vec![conv.clone(), BatchNorm, Relu]);
    let encoder = [conv.groups(2), block, Flatten, Linear(60)];
    let up = ConvTranspose2d(2, 4).stride(2).padding(1);
    let decoder = [Linear(16 * 12 * 12), Unflatten(16, 12, 12), up];
    Autoencoder::new_with(IMAGE, &encoder, &decoder, init)
}

fn with(weights: Weights) -> Autoencoder {
    let init = Init {
        weights,
        ..Default::default()
    };
    model(&init).unwrap()
}

fn with_layers(layers: &[(&str, Weights)]) -> Result<Autoencoder, Error> {
    let layers = layers
        .iter()
        .map(|(name, weights)| ((*name).into(), *weights));
    model(&Init {
        layers: layers.collect(),
        ..Default::default()
    })
}

fn values(ae: &Autoencoder, name: &str) -> Vec<f64> {
    let variables = ae.variables();
    let (_, var) = variables.iter().find(|(other, _)| other == name).unwrap();
    let values = var.flatten_all().unwrap().to_dtype(DType::F64).unwrap();
    values.to_vec1().unwrap()
}

/// Name, fan_in and fan_out of the layers with weights, as PyTorch counts them.
///
/// from torch.nn import *; from torch.nn.init import _calculate_fan_in_and_fan_out as fans
/// for layer in [Conv2d(2, 8, 3, groups=2), Conv2d(8, 8, 3), Linear(4608, 60), Linear(60, 2304),
///               ConvTranspose2d(16, 2, 4)]: print(fans(layer.weight))
const FANS: [(&str, f64, f64); 5] = [
    ("encoder.0", 9.0, 72.0),
    ("encoder.1.0", 72.0, 72.0),
    ("encoder.3", 4608.0, 60.0),
    ("decoder.0", 60.0, 2304.0),
    ("decoder.2", 32.0, 256.0),
];

/// Checks mean, variance and the largest value, `bound` standard deviations for uniform weights.
fn check_moments(name: &str, values: &[f64], variance: f64, uniform: bool) {
    let n = values.len() as f64;
    let std = variance.sqrt();
    let mean = values.iter().sum::<f64>() / n;
    assert!(mean.abs() < 4.0 * std / n.sqrt(), "{name}: mean {mean}");
    let squares = values.iter().map(|v| v * v).sum::<f64>() / n;
    // Kurtosis: 1.8 of uniform numbers, 3 of normal ones.
    let spread = if uniform { 0.8f64 } else { 2.0 }.sqrt();
    let ratio = squares / variance;
    assert!(
        (ratio - 1.0).abs() < 4.0 * spread / n.sqrt(),
        "{name}: {ratio}"
    );
    let largest = values.iter().fold(0f64, |max, v| max.max(v.abs())) / std;
    let bound = 3f64.sqrt();
    if uniform {
        assert!(largest <= bound * 1.000001, "{name}: {largest}");
        assert!(largest > bound * (1.0 - 8.0 / n), "{name}: {largest}");
    } else {
        assert!(largest > bound, "{name}: {largest}");
    }
}

#[test]
fn weights_have_the_variance_of_their_scheme() {
    type Variance = fn(f64, f64) -> f64;
    let schemes: [(Weights, Variance, bool); 6] = [
        (
            Weights::GlorotUniform,
            |fan_in, fan_out| 2.0 / (fan_in + fan_out),
            true,
        ),
        (
            Weights::GlorotNormal,
            |fan_in, fan_out| 2.0 / (fan_in + fan_out),
            false,
        ),
        (Weights::HeUniform, |fan_in, _| 2.0 / fan_in, true),
        (Weights::HeNormal, |fan_in, _| 2.0 / fan_in, false),
        (Weights::Normal(0.01), |_, _| 1e-4, false),
        (Weights::PyTorch, |fan_in, _| 1.0 / (3.0 * fan_in), true),
    ];
    for (scheme, variance, uniform) in schemes {
        let ae = with(scheme);
        for (name, fan_in, fan_out) in FANS {
            let weights = values(&ae, &format!("{name}.weight"));
            let context = format!("{scheme:?} {name}");
            check_moments(&context, &weights, variance(fan_in, fan_out), uniform);
        }
    }
}

#[test]
fn biases_are_zero_except_in_the_scheme_of_pytorch() {
    for scheme in [Weights::default(), Weights::HeNormal, Weights::Orthogonal] {
        let ae = with(scheme);
        for (name, ..) in FANS {
            let biases = values(&ae, &format!("{name}.bias"));
            assert!(biases.iter().all(|&bias| bias == 0.0), "{scheme:?} {name}");
        }
    }
    let biases = values(&with(Weights::PyTorch), "decoder.0.bias");
    check_moments("PyTorch", &biases, 1.0 / (3.0 * 60.0), true);
}

#[test]
fn orthogonal_weights_are_orthonormal_rows_or_columns() {
    let ae = with(Weights::Orthogonal);
    for (name, ..) in FANS {
        let variables = ae.variables();
        let name = format!("{name}.weight");
        let (_, var) = variables.iter().find(|(other, _)| *other == name).unwrap();
        let matrix = var.flatten_from(1).unwrap(); // (a, b, k, k) -> (a, b k k)
        let (rows, columns) = matrix.dims2().unwrap();
        let transposed = matrix.t().unwrap();
        let product = if rows <= columns {
            matrix.matmul(&transposed).unwrap()
        } else {
            transposed.matmul(&matrix).unwrap()
        };
        let identity = Tensor::eye(rows.min(columns), DType::F32, &Device::Cpu).unwrap();
        let error = (product - identity).unwrap().abs().unwrap();
        let error = error.max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(error < 1e-5, "{name}: {error}");
    }
    // A QR decomposition whose R has signs gives columns that begin with the same sign.
    let first = values(&ae, "decoder.0.weight");
    let negative = first[..60].iter().filter(|&&value| value < 0.0).count();
    assert!((10..50).contains(&negative), "{negative}");
}

#[test]
fn batch_normalization_starts_at_1_and_0_with_every_scheme() {
    for scheme in [Weights::Normal(0.5), Weights::PyTorch, Weights::Orthogonal] {
        let ae = with(scheme);
        assert_eq!(values(&ae, "encoder.1.1.weight"), [1.0; 8]);
        assert_eq!(values(&ae, "encoder.1.1.bias"), [0.0; 8]);
    }
}

#[test]
fn a_scheme_for_a_layer_leaves_the_other_layers_unchanged() {
    let plain = model(&Init::default()).unwrap();
    let small = with_layers(&[("decoder.0", Weights::Normal(1e-3))]).unwrap();
    for (name, var) in plain.variables() {
        let changed = values(&small, &name) != values(&plain, &name);
        assert_eq!(changed, name == "decoder.0.weight", "{name}");
        assert_eq!(var.dtype(), DType::F32);
    }
    let weights = values(&small, "decoder.0.weight");
    check_moments("decoder.0", &weights, 1e-6, false);
}

#[test]
fn names_of_blocks_and_lists_stand_for_their_layers() {
    let block = with_layers(&[("encoder.1", Weights::Normal(0.1))]).unwrap();
    check_moments("block", &values(&block, "encoder.1.0.weight"), 0.01, false);
    let lists = with_layers(&[
        ("encoder", Weights::HeNormal),
        ("encoder.3", Weights::Normal(0.1)),
    ]);
    let lists = lists.unwrap();
    check_moments("later", &values(&lists, "encoder.3.weight"), 0.01, false);
    let block = values(&lists, "encoder.1.0.weight");
    check_moments("list", &block, 2.0 / 72.0, false);
    let decoder = values(&lists, "decoder.0.weight");
    check_moments("default", &decoder, 2.0 / (60.0 + 2304.0), true);
}

#[test]
fn a_seed_determines_the_weights_and_each_variable_has_its_own_numbers() {
    let seed = |seed| {
        let init = Init {
            seed,
            ..Default::default()
        };
        values(&model(&init).unwrap(), "encoder.3.weight")
    };
    assert_eq!(seed(3), seed(3));
    assert_ne!(seed(3), seed(4));
    // Layers of one shape, in one list and in two.
    let layers = [Flatten, Linear(16), Relu, Linear(16)];
    let ae = Autoencoder::symmetric((1, 4, 4), &layers).unwrap();
    let names = ["encoder.1", "encoder.3", "decoder.0", "decoder.2"];
    let weights = names.map(|name| values(&ae, &format!("{name}.weight")));
    for (i, a) in weights.iter().enumerate() {
        assert!(weights[..i].iter().all(|b| a[0] != b[0]), "{}", names[i]);
    }
}

#[test]
fn changed_layers_leave_the_weights_of_the_others_unchanged() {
    let decoder = [Linear(784), Sigmoid, Unflatten(1, 28, 28)];
    let weights = |encoder: &[Layer]| {
        let ae = Autoencoder::new((1, 28, 28), encoder, &decoder).unwrap();
        values(&ae, "decoder.0.weight")
    };
    let plain = weights(&[Flatten, Linear(64), Relu, Linear(16)]);
    let wider = [
        Flatten,
        Linear(80),
        BatchNorm,
        Relu,
        Dropout(0.1),
        Linear(16),
    ];
    assert_eq!(weights(&wider), plain);
    assert_eq!(weights(&[Flatten, Linear(16)]), plain);
    let dropout = [Flatten, Linear(64), Relu, Dropout(0.2), Linear(16)];
    let with_dropout = Autoencoder::new((1, 28, 28), &dropout, &decoder).unwrap();
    let without = [Flatten, Linear(64), Relu, Linear(16)];
    let without = Autoencoder::new((1, 28, 28), &without, &decoder).unwrap();
    assert_eq!(
        values(&with_dropout, "encoder.4.weight"),
        values(&without, "encoder.3.weight")
    );
}

#[test]
fn unknown_layers_and_impossible_deviations_are_errors_in_words() {
    let known = "encoder.0, encoder.1.0, encoder.3, decoder.0, decoder.2";
    for name in [
        "encoder.2",
        "encoder.1.1",
        "coder.0",
        "encoder.3.weight",
        "",
    ] {
        let error = with_layers(&[("encoder.0", Weights::HeNormal), (name, Weights::HeNormal)]);
        assert_eq!(
            error.unwrap_err().to_string(),
            format!(
                "Init::layers: expected names of layers with weights: {known}, got \"{name}\". \
                 \"encoder\" and \"decoder\" stand for all of their layers"
            )
        );
    }
    for std in [-0.1, f64::NAN, f64::INFINITY, 1e9] {
        let words = format!(
            "Weights::Normal: expected a standard deviation in [0, 1e6], got {std}. 0.01 is usual"
        );
        let init = Init {
            weights: Weights::Normal(std),
            ..Default::default()
        };
        assert_eq!(model(&init).unwrap_err().to_string(), words);
        let error = with_layers(&[("encoder.3", Weights::Normal(std))]).unwrap_err();
        assert_eq!(error.to_string(), words);
    }
    assert_eq!(
        values(&with(Weights::Normal(0.0)), "encoder.0.weight"),
        [0.0; 72]
    );
}
