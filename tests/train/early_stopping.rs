//! Early stopping, and other ends of a run.

use candlebook::prelude::*;
use candlebook::train::{EarlyStopping, Ended, Metric, Monitor};

/// Few digits, on which a large model overfits.
fn few() -> Dataset {
    mnist_embedded().unwrap().take(40, 10)
}

fn large() -> Autoencoder {
    Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(128), Relu]).unwrap()
}

fn weights(ae: &Autoencoder) -> Vec<Vec<f32>> {
    let all = [ae.variables(), ae.buffers()].concat();
    all.iter()
        .map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap())
        .collect()
}

fn settings(epochs: usize, early_stopping: Option<EarlyStopping>) -> Fit {
    Fit {
        epochs,
        batch_size: 8,
        learning_rate: 0.01,
        validation_split: 0.25,
        early_stopping,
        ..Default::default()
    }
}

#[test]
fn the_kept_weights_are_those_of_the_best_epoch() {
    let early = EarlyStopping {
        patience: 4,
        ..Default::default()
    };
    let mut ae = large();
    let history = ae.fit(&few(), &settings(300, Some(early.clone()))).unwrap();
    assert_eq!(history.ended, Ended::EarlyStopping);
    let (best, _) = history.best().unwrap();
    assert_eq!(history.epochs.len(), best + 4, "{:?}", history.valid_loss());
    assert_eq!(history.restored, Some(best));
    // A run of as many epochs ends with these weights.
    let mut short = large();
    short.fit(&few(), &settings(best, None)).unwrap();
    assert_eq!(weights(&ae), weights(&short));
    // Without restoring, the model has the last weights, and the best are kept.
    let without = EarlyStopping {
        restore_best: false,
        ..early
    };
    let mut last = large();
    let history = last.fit(&few(), &settings(300, Some(without))).unwrap();
    assert_eq!(
        (history.ended, history.restored),
        (Ended::EarlyStopping, None)
    );
    assert_ne!(weights(&last), weights(&short));
    assert_eq!(last.restore_best().unwrap(), best);
    assert_eq!(weights(&last), weights(&short));
}

#[test]
fn a_metric_may_be_monitored() {
    let early = EarlyStopping {
        monitor: Monitor::Highest("PSNR".into()),
        patience: 3,
        ..Default::default()
    };
    let fit = Fit {
        metrics: vec![Metric::Psnr],
        ..settings(300, Some(early))
    };
    let history = large().fit(&few(), &fit).unwrap();
    let (best, row) = history.best().unwrap();
    let psnr = history.metric("PSNR");
    let largest = psnr.iter().copied().fold(f64::MIN, f64::max);
    assert_eq!(row.metric("PSNR"), Some(largest));
    assert_eq!(psnr.len(), best + 3);
}

#[test]
fn a_target_loss_ends_training_after_the_epoch_that_reaches_it() {
    let losses = large()
        .fit(&few(), &settings(6, None))
        .unwrap()
        .valid_loss();
    let fit = Fit {
        target_loss: Some(losses[2].into()),
        ..settings(6, None)
    };
    let history = large().fit(&few(), &fit).unwrap();
    let first = losses.iter().position(|&loss| loss <= losses[2]).unwrap();
    assert_eq!(history.ended, Ended::TargetLoss);
    assert_eq!(history.valid_loss(), losses[..=first]);
    assert!(!history.stopped);
}

#[test]
fn a_time_limit_ends_training_within_an_epoch() {
    let fit = Fit {
        time_limit: Some(1e-9),
        ..settings(6, None)
    };
    let mut ae = large();
    let before = weights(&ae);
    let history = ae.fit(&few(), &fit).unwrap();
    assert_eq!((history.ended, history.epochs.len()), (Ended::TimeLimit, 0));
    assert_eq!(weights(&ae), before);
    let fit = Fit {
        time_limit: Some(60.0),
        ..settings(2, None)
    };
    assert_eq!(large().fit(&few(), &fit).unwrap().ended, Ended::Epochs);
}

#[test]
fn limits_outside_their_range_are_rejected_before_any_step() {
    let error = |fit: Fit| {
        let mut ae = large();
        let before = weights(&ae);
        let error = ae.fit(&few(), &fit).unwrap_err().to_string();
        assert_eq!(weights(&ae), before);
        error
    };
    for limit in [0.0, -1.0, f64::NAN] {
        let text = error(Fit {
            time_limit: Some(limit),
            ..settings(1, None)
        });
        let expected = "Fit::time_limit: expected a positive number of minutes, got ";
        assert!(text.starts_with(expected), "{text}");
    }
    let text = error(Fit {
        target_loss: Some(f64::NAN),
        ..settings(1, None)
    });
    assert_eq!(
        text,
        "Fit::target_loss: expected a finite loss, got NaN. None trains all epochs"
    );
    let early = EarlyStopping {
        patience: 0,
        ..Default::default()
    };
    let text = error(settings(1, Some(early)));
    assert!(text.starts_with("EarlyStopping::patience: "), "{text}");
}
