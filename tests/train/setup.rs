//! The begin of a run: going on with the optimizer of the last one.

use candlebook::optim::{Adam, Average};
use candlebook::prelude::*;

fn model() -> Autoencoder {
    let encoder = [
        GaussianNoise(0.1),
        Flatten,
        Linear(8),
        BatchNorm,
        Relu,
        Dropout(0.2),
    ];
    Autoencoder::symmetric((1, 28, 28), &encoder).unwrap()
}

fn digits() -> Dataset {
    mnist_embedded().unwrap().take(200, 50)
}

fn weights(ae: &Autoencoder) -> Vec<Vec<f32>> {
    let all = [ae.variables(), ae.buffers()].concat();
    all.iter()
        .map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap())
        .collect()
}

fn epochs(epochs: usize) -> Fit {
    Fit {
        epochs,
        batch_size: 20,
        ..Default::default()
    }
}

#[test]
fn two_calls_give_the_weights_of_one() {
    let sgd = Optim::sgd(0.9);
    for (planned, optimizer) in [(true, Optim::adam()), (false, Optim::adam()), (true, sgd)] {
        let fit = |n| Fit {
            planned,
            optimizer,
            ..epochs(n)
        };
        let mut whole = model();
        let expected = whole.fit(&digits(), &fit(5)).unwrap();
        let mut parts = model();
        let first = parts.fit(&digits(), &fit(2)).unwrap();
        // Copies and measurements change nothing.
        let mut parts = parts.copy().unwrap();
        parts.evaluate(&digits().test).unwrap();
        let second = parts.fit(&digits(), &fit(3)).unwrap();
        let losses = [first.train_loss(), second.train_loss()].concat();
        assert_eq!(
            losses,
            expected.train_loss(),
            "planned {planned}, {optimizer}"
        );
        assert_eq!(weights(&parts), weights(&whole));
    }
}

#[test]
fn a_call_that_goes_on_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let mut whole = model();
    whole.fit(&digits(), &epochs(5)).unwrap();
    let mut ae = model();
    ae.fit(&digits(), &epochs(2)).unwrap();
    let fit = Fit {
        checkpoint: Some(path.clone()),
        ..epochs(1)
    };
    ae.fit(&digits(), &fit).unwrap();
    let more = Resume {
        epochs: Some(3),
        ..Default::default()
    };
    let (ae, history) = Autoencoder::resume_with(&path, &digits(), &more).unwrap();
    assert_eq!(history.epochs.len(), 3);
    assert_eq!(weights(&ae), weights(&whole));
}

/// Weights after a second call, with a change in between.
fn after(change: impl Fn(&mut Autoencoder, &mut Fit)) -> Vec<Vec<f32>> {
    let mut ae = model();
    let mut fit = epochs(1);
    ae.fit(&digits(), &fit).unwrap();
    change(&mut ae, &mut fit);
    ae.fit(&digits(), &fit).unwrap();
    weights(&ae)
}

/// Weights after the same, with a model that has forgotten the optimizer.
fn after_anew(change: impl Fn(&mut Autoencoder, &mut Fit)) -> Vec<Vec<f32>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ae.safetensors");
    after(|ae, fit| {
        change(ae, fit);
        ae.save(&path).unwrap();
        *ae = Autoencoder::load(&path).unwrap();
    })
}

#[test]
fn the_optimizer_begins_anew_if_settings_loss_or_weights_have_changed() {
    let weight = |ae: &mut Autoencoder, _: &mut Fit| {
        let (_, var) = &ae.variables()[0];
        var.set(&(var.as_tensor() * 2.0).unwrap()).unwrap();
    };
    let loss = |_: &mut Autoencoder, fit: &mut Fit| fit.loss = Loss::BinaryCrossEntropy;
    let optimizer = |_: &mut Autoencoder, fit: &mut Fit| {
        fit.optimizer = Optim::Adam(Adam {
            beta1: 0.8,
            ..Default::default()
        });
    };
    assert_eq!(after(weight), after_anew(weight));
    assert_eq!(after(loss), after_anew(loss));
    assert_eq!(after(optimizer), after_anew(optimizer));
    // Nothing of this kind: the optimizer goes on, at another rate.
    let rate = |_: &mut Autoencoder, fit: &mut Fit| fit.learning_rate = 1e-4;
    assert_ne!(after(rate), after_anew(rate));
}

#[test]
fn an_average_is_that_of_one_run() {
    let averages = [Average::Ema { decay: 0.99 }, Average::Swa { from_epoch: 1 }];
    for average in averages {
        let losses = [true, false].map(|planned| {
            let plain = Fit {
                planned,
                ..epochs(1)
            };
            let averaged = Fit {
                average,
                ..plain.clone()
            };
            let at_once = Fit {
                time_limit: Some(1e-9),
                ..averaged.clone()
            };
            let mut ae = model();
            let first = ae.fit(&digits(), &plain).unwrap().valid_loss()[0];
            let before = weights(&ae);
            ae.fit(&digits(), &at_once).unwrap();
            assert_eq!(weights(&ae), before, "{average:?}, planned {planned}");
            let loss = ae.fit(&digits(), &averaged).unwrap().valid_loss()[0];
            // An average that began with zeros would be far from the weights.
            assert!(
                loss < first,
                "{average:?}, planned {planned}: {first} {loss}"
            );
            loss
        });
        let [planned, autograd] = losses;
        assert!((planned - autograd).abs() < 1e-4, "{planned} {autograd}");
    }
}
