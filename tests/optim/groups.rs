//! Parameter groups in training.

use candlebook::optim::ParameterGroup;
use candlebook::prelude::*;

fn data() -> Dataset {
    mnist_embedded().unwrap().take(100, 20)
}

fn model() -> Autoencoder {
    let encoder = [
        Conv2d(2, 3).stride(2),
        Relu,
        BatchNorm,
        Flatten,
        Linear(6),
        Tanh,
    ];
    Autoencoder::symmetric((1, 28, 28), &encoder).unwrap()
}

type Weights = Vec<(String, Vec<f32>)>;

fn weights(ae: &Autoencoder) -> Weights {
    let values = |var: &Var| var.flatten_all().unwrap().to_vec1().unwrap();
    ae.variables()
        .iter()
        .map(|(name, var)| (name.clone(), values(var)))
        .collect()
}

fn fit(planned: bool, groups: Vec<ParameterGroup>) -> Fit {
    Fit {
        epochs: 1,
        batch_size: 90,
        planned,
        optimizer: Optim::sgd(0.0),
        learning_rate: 0.1,
        weight_decay: 0.5,
        groups,
        ..Default::default()
    }
}

/// Weights after one step.
fn stepped(fit: &Fit) -> Weights {
    let mut ae = model();
    ae.fit(&data(), fit).unwrap();
    weights(&ae)
}

fn assert_near(name: &str, found: f32, expected: f32) {
    assert!(
        (found - expected).abs() < 1e-6,
        "{name}: {found}, expected {expected}"
    );
}

#[test]
fn each_variable_has_the_rates_of_its_group() {
    let group = |pattern: &str, learning_rate_factor, weight_decay| ParameterGroup {
        pattern: pattern.into(),
        learning_rate_factor,
        weight_decay,
    };
    let before = weights(&model());
    for planned in [true, false] {
        // The change without weight decay is that of the gradient.
        let plain = stepped(&Fit {
            weight_decay: 0.0,
            ..fit(planned, vec![])
        });
        let groups = vec![
            group("*.bias", 1.0, Some(0.0)),
            group("encoder.*", 0.25, None),
            group("decoder.4.*", 0.0, None),
        ];
        let found = stepped(&fit(planned, groups));
        for ((name, found), (_, plain)) in found.iter().zip(&plain) {
            let (_, before) = before.iter().find(|(other, _)| other == name).unwrap();
            let (factor, decay) = match name.as_str() {
                name if name.ends_with(".bias") => (1.0, 0.0),
                name if name.starts_with("encoder.") => (0.25, 0.5),
                name if name.starts_with("decoder.4.") => (0.0, 0.5),
                _ => (1.0, 0.5),
            };
            for ((&found, &plain), &before) in found.iter().zip(plain).zip(before) {
                let change = factor * (plain - before - 0.1 * decay * before);
                assert_near(name, found, before + change);
            }
        }
    }
}

#[test]
fn a_pattern_without_a_match_is_rejected_before_training() {
    let mut ae = model();
    let before = weights(&ae);
    let pattern = "*.gamma".into();
    let group = ParameterGroup {
        pattern,
        ..Default::default()
    };
    let error = ae
        .fit(&data(), &fit(true, vec![group]))
        .unwrap_err()
        .to_string();
    let expected =
        "ParameterGroup::pattern: expected a pattern of encoder.0.weight, encoder.0.bias,";
    assert!(error.starts_with(expected), "{error}");
    assert!(
        error.contains("got \"*.gamma\", which matches none"),
        "{error}"
    );
    assert_eq!(weights(&ae), before);
}

#[test]
fn groups_are_kept_in_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let group = ParameterGroup {
        pattern: "encoder.*".into(),
        learning_rate_factor: 0.0,
        ..Default::default()
    };
    let fit = Fit {
        checkpoint: Some(path.clone()),
        ..fit(true, vec![group])
    };
    stepped(&fit);
    let more = Resume {
        epochs: Some(3),
        ..Default::default()
    };
    let (ae, _) = Autoencoder::resume_with(&path, &data(), &more).unwrap();
    for ((name, found), (_, before)) in weights(&ae).iter().zip(&weights(&model())) {
        assert_eq!(found == before, name.starts_with("encoder."), "{name}");
    }
}
