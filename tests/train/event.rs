//! Callbacks of a run.

use candlebook::prelude::*;
use candlebook::train::{EarlyStopping, Ended, Event, EventKind, Hooks, Monitor};

fn digits() -> Dataset {
    mnist_embedded().unwrap().take(200, 50)
}

fn model() -> Autoencoder {
    Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8), Relu, Dropout(0.2)]).unwrap()
}

fn settings(epochs: usize) -> Fit {
    Fit {
        epochs,
        batch_size: 60,
        ..Default::default()
    }
}

fn weights(ae: &Autoencoder) -> Vec<Vec<f32>> {
    let all = [ae.variables(), ae.buffers()].concat();
    all.iter()
        .map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap())
        .collect()
}

const GO_ON: Result<ControlFlow<()>, Error> = Ok(ControlFlow::Continue(()));

#[test]
fn events_come_in_order_with_their_numbers() {
    let mut seen = Vec::new();
    let history = model()
        .fit_with(&digits(), &settings(2), |event| {
            let rows = event.history.epochs.len();
            seen.push((event.kind, event.epoch, event.batch, event.step, rows));
            assert_eq!((event.epochs, event.batches), (2, 3));
            assert_eq!(event.learning_rate, 0.001);
            assert_eq!(event.valid_loss.is_some(), event.kind != EventKind::Batch);
            GO_ON
        })
        .unwrap();
    use EventKind::{Batch, End, Epoch, Validation};
    let expected = [
        (Batch, 1, 1, 1, 0),
        (Batch, 1, 2, 2, 0),
        (Batch, 1, 3, 3, 0),
        (Validation, 1, 3, 3, 0),
        (Epoch, 1, 0, 3, 1),
        (Batch, 2, 1, 4, 1),
        (Batch, 2, 2, 5, 1),
        (Batch, 2, 3, 6, 1),
        (Validation, 2, 3, 6, 1),
        (Epoch, 2, 0, 6, 2),
        (End, 2, 0, 6, 2),
    ];
    assert_eq!(seen, expected);
    // A callback changes no number.
    let plain = model().fit(&digits(), &settings(2)).unwrap();
    assert_eq!(history.train_loss(), plain.train_loss());
}

#[test]
fn the_model_has_the_weights_of_the_moment() {
    for planned in [true, false] {
        let fit = Fit {
            planned,
            ..settings(1)
        };
        let mut kept = Vec::new();
        let mut ae = model();
        ae.fit_with(&digits(), &fit, |event| {
            if event.kind == EventKind::Batch {
                kept.push(weights(event.model()?));
            }
            GO_ON
        })
        .unwrap();
        assert_ne!(kept[0], weights(&model()));
        assert_ne!(kept[0], kept[1]);
        assert_eq!(kept[2], weights(&ae), "planned {planned}");
    }
}

/// Breaks at one event.
fn break_at(
    kind: EventKind,
    step: usize,
) -> impl FnMut(&mut Event<'_>) -> Result<ControlFlow<()>, Error> + Send {
    move |event| {
        let here = (event.kind, event.step) == (kind, step);
        Ok(if here {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }
}

#[test]
fn a_callback_ends_training_after_its_batch_or_epoch() {
    for (kind, step, epochs) in [
        (EventKind::Batch, 4, 1),
        (EventKind::Validation, 3, 1),
        (EventKind::Epoch, 6, 2),
    ] {
        let mut ae = model();
        let callback = break_at(kind, step);
        let history = ae.fit_with(&digits(), &settings(5), callback).unwrap();
        assert_eq!(
            (history.ended, history.epochs.len()),
            (Ended::Callback, epochs)
        );
        assert!(!history.stopped);
        let mut steps = 0;
        ae.fit_with(&digits(), &settings(1), |event| {
            steps = steps.max(event.step);
            GO_ON
        })
        .unwrap();
        assert_eq!(steps, step + 3, "the optimizer goes on");
    }
}

#[test]
fn an_error_keeps_the_weights_of_the_moment_and_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let fit = Fit {
        checkpoint: Some(path.clone()),
        ..settings(3)
    };
    let mut ae = model();
    let mut kept = Vec::new();
    let error = ae
        .fit_with(&digits(), &fit, |event| {
            if event.step < 5 {
                return GO_ON;
            }
            kept = weights(event.model()?);
            Err(Error::Candle("no such file".into()))
        })
        .unwrap_err();
    assert_eq!(error.to_string(), "candle: no such file");
    assert_eq!(weights(&ae), kept);
    assert_eq!(ae.restore_best().unwrap(), 1);
    let (resumed, history) = Autoencoder::resume(&path, &digits()).unwrap();
    let mut whole = model();
    let expected = whole.fit(&digits(), &settings(3)).unwrap();
    assert_eq!(history.train_loss(), expected.train_loss());
    assert_eq!(weights(&resumed), weights(&whole));
}

#[test]
fn a_metric_of_a_callback_is_in_the_history_and_can_be_monitored() {
    let early = EarlyStopping {
        monitor: Monitor::Lowest("largest error".into()),
        ..Default::default()
    };
    let fit = Fit {
        early_stopping: Some(early),
        ..settings(2)
    };
    let mut largest = Vec::new();
    let data = digits();
    let mut ae = model();
    let history = ae
        .fit_with(&data, &fit, |event| {
            event.metric("largest error", |input, output| {
                Ok((input - output)?.abs()?.max_all()?)
            })?;
            if event.kind == EventKind::Epoch {
                largest.push(
                    event
                        .history
                        .epochs
                        .last()
                        .unwrap()
                        .metric("largest error")
                        .unwrap(),
                );
            }
            GO_ON
        })
        .unwrap();
    assert_eq!(history.metric("largest error"), largest);
    assert!(
        largest.iter().all(|error| (0.1..=1.0).contains(error)),
        "{largest:?}"
    );
    let lowest = largest.iter().copied().fold(f64::MAX, f64::min);
    assert_eq!(
        history.best().unwrap().1.metric("largest error"),
        Some(lowest)
    );
    let text = history.table().to_text();
    assert!(text.contains("largest error"), "{text}");
    // Nothing computes it without the callback.
    let error = ae.fit(&data, &fit).unwrap_err().to_string();
    assert!(error.starts_with("EarlyStopping::monitor: "), "{error}");
}

#[test]
fn a_metric_has_to_be_a_scalar() {
    let error = model()
        .fit_with(&digits(), &settings(1), |event| {
            event.metric("errors", |input, output| Ok((input - output)?))?;
            GO_ON
        })
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Event::metric: expected a scalar, got a tensor of shape [20, 1, 28, 28]. End the metric \
         with .mean_all()?"
    );
}

#[test]
fn closures_of_a_cell_borrow_and_move() {
    let title = String::from("loss");
    let mut lines = Vec::new();
    let data = digits();
    let mut ae = model();
    ae.fit_with(&data, &settings(1), |event| {
        lines.push(format!("{title} {:.3}", event.loss));
        if event.shows() {
            event.show(event.model()?.features()?);
        }
        GO_ON
    })
    .unwrap();
    assert_eq!(lines.len(), 6);
    let target = 0.5;
    ae.fit_with(&data, &settings(1), move |event| {
        let done = event.loss < target;
        Ok(if done {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })
    .unwrap();
}

#[test]
fn a_run_is_resumed_with_its_callback() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let mean = |event: &mut Event<'_>| {
        event.metric("mean", |_, output| Ok(output.mean_all()?))?;
        GO_ON
    };
    let early = EarlyStopping {
        monitor: Monitor::Lowest("mean".into()),
        patience: 9,
        ..Default::default()
    };
    let fit = |epochs, checkpoint| Fit {
        early_stopping: Some(early.clone()),
        checkpoint,
        ..settings(epochs)
    };
    let data = digits();
    let mut whole = model();
    let expected = whole.fit_with(&data, &fit(4, None), mean).unwrap();
    model()
        .fit_with(&data, &fit(2, Some(path.clone())), mean)
        .unwrap();
    let more = Resume {
        epochs: Some(4),
        ..Default::default()
    };
    let hooks = Hooks::default().callback(mean);
    let (ae, history) = Autoencoder::resume_with_hooks(&path, &data, &more, hooks).unwrap();
    assert_eq!(history.metric("mean"), expected.metric("mean"));
    assert_eq!(history.restored, expected.restored);
    assert_eq!(weights(&ae), weights(&whole));
    let error = Autoencoder::resume(&path, &data).unwrap_err().to_string();
    assert!(error.starts_with("EarlyStopping::monitor: "), "{error}");
}
