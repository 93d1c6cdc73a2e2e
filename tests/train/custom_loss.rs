//! `fit_with_loss`: custom losses, by both executors.

use candlebook::prelude::*;
use candlebook::train::{EventKind, Hooks};

fn data() -> Dataset {
    mnist_embedded().unwrap().take(203, 50)
}

fn model() -> Autoencoder {
    let layers = [Flatten, Linear(16), Tanh, Dropout(0.1)];
    Autoencoder::symmetric((1, 28, 28), &layers).unwrap()
}

fn fit(planned: bool) -> Fit {
    Fit {
        epochs: 2,
        batch_size: 20,
        planned,
        ..Default::default()
    }
}

fn squared_error(input: &Tensor, _: &Tensor, output: &Tensor) -> Result<Tensor, Error> {
    Ok((output - input)?.sqr()?.mean_all()?)
}

fn code_penalty(input: &Tensor, code: &Tensor, output: &Tensor) -> Result<Tensor, Error> {
    Ok((squared_error(input, code, output)? + (code.abs()?.mean_all()? * 0.1)?)?)
}

fn weights(ae: &Autoencoder) -> Vec<Vec<f32>> {
    let values = |(_, var): &(String, Var)| var.flatten_all().unwrap().to_vec1().unwrap();
    ae.variables().iter().map(values).collect()
}

fn assert_near(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!(
            (a - b).abs() < 1e-5 * b.abs().max(1.0),
            "{found:?}, expected {expected:?}"
        );
    }
}

#[test]
fn the_squared_error_written_out_trains_as_the_built_in_one() {
    for planned in [true, false] {
        let expected = model().fit(&data(), &fit(planned)).unwrap();
        let found = model()
            .fit_with_loss(&data(), &fit(planned), squared_error)
            .unwrap();
        assert_near(&found.train_loss(), &expected.train_loss());
        assert_near(&found.valid_loss(), &expected.valid_loss());
        assert!(found.custom_loss && !expected.custom_loss);
    }
}

#[test]
fn a_penalty_on_the_code_makes_it_smaller() {
    let size = |ae: &Autoencoder| -> f32 {
        let codes = ae.encode(&data().test.first(50).unwrap()).unwrap();
        codes
            .abs()
            .unwrap()
            .mean_all()
            .unwrap()
            .to_scalar()
            .unwrap()
    };
    let mut plain = model();
    plain
        .fit_with_loss(&data(), &fit(true), squared_error)
        .unwrap();
    let mut trained = [true, false].map(|planned| {
        let mut ae = model();
        let history = ae
            .fit_with_loss(&data(), &fit(planned), |input, code, output| {
                let penalty = (code.abs()?.mean_all()? * 0.5)?;
                Ok((squared_error(input, code, output)? + penalty)?)
            })
            .unwrap();
        (ae, history)
    });
    let [(planned, history), (autograd, other)] = &mut trained;
    assert_near(&history.train_loss(), &other.train_loss());
    assert!(
        size(planned) < 0.7 * size(&plain),
        "{} {}",
        size(planned),
        size(&plain)
    );
    assert!((size(planned) - size(autograd)).abs() < 1e-4);
}

#[test]
fn a_loss_computed_in_f64_trains() {
    let losses = [true, false].map(|planned| {
        let mut ae = model();
        let history = ae.fit_with_loss(&data(), &fit(planned), |input, code, output| {
            Ok(squared_error(input, code, output)?.to_dtype(DType::F64)?)
        });
        history.unwrap().train_loss()
    });
    assert_near(&losses[0], &losses[1]);
    assert!(losses[0][1] < losses[0][0]);
}

#[test]
fn an_error_of_the_loss_ends_training_and_keeps_the_weights() {
    for planned in [true, false] {
        let mut ae = model();
        let before = ae.evaluate(&data().test).unwrap();
        let error = ae.fit_with_loss(&data(), &fit(planned), |_, _, output| Ok(output.clone()));
        let text = error.unwrap_err().to_string();
        assert!(
            text.starts_with("fit_with_loss: expected a scalar, got a tensor of"),
            "{text}"
        );
        assert_eq!(ae.evaluate(&data().test).unwrap(), before);
    }
}

#[test]
fn a_run_on_a_custom_loss_is_resumed_with_its_loss() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    for planned in [true, false] {
        let fit = |epochs, checkpoint| Fit {
            epochs,
            checkpoint,
            ..fit(planned)
        };
        let mut whole = model();
        let expected = whole
            .fit_with_loss(&data(), &fit(3, None), code_penalty)
            .unwrap();
        let first = fit(1, Some(path.clone()));
        model()
            .fit_with_loss(&data(), &first, code_penalty)
            .unwrap();
        Autoencoder::load(&path).unwrap();
        let error = Autoencoder::resume(&path, &data()).unwrap_err().to_string();
        assert!(
            error.ends_with(
                "expected the custom loss of this training run, got none. Give it to \
                 Autoencoder::resume_with_hooks, or open the model with Autoencoder::load"
            ),
            "{error}"
        );
        let more = Resume {
            epochs: Some(3),
            ..Default::default()
        };
        let mut epochs = Vec::new();
        let hooks = Hooks::default().loss(code_penalty).callback(|event| {
            if event.kind == EventKind::Epoch {
                epochs.push(event.epoch);
            }
            Ok(ControlFlow::Continue(()))
        });
        let (ae, history) = Autoencoder::resume_with_hooks(&path, &data(), &more, hooks).unwrap();
        assert_eq!(epochs, [2, 3]);
        assert_eq!(history.train_loss(), expected.train_loss());
        assert_eq!(weights(&ae), weights(&whole));
    }
}

#[test]
fn a_loss_for_a_run_on_the_usual_loss_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let fit = Fit {
        checkpoint: Some(path.clone()),
        ..fit(true)
    };
    model().fit(&data(), &fit).unwrap();
    let hooks = Hooks::default().loss(code_penalty);
    let error = Autoencoder::resume_with_hooks(&path, &data(), &Resume::default(), hooks);
    let error = error.unwrap_err().to_string();
    let expected = "expected no custom loss, as this training run is on Fit::loss, got one. ";
    assert!(error.contains(expected), "{error}");
}
