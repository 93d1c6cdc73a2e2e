//! Schedules in training.

use candlebook::optim::{Interval, Schedule};
use candlebook::prelude::*;

fn weights(ae: &Autoencoder) -> Vec<Vec<f32>> {
    let variables = ae.variables().into_iter();
    variables
        .map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap())
        .collect()
}

/// Weights after training on 200 images in 10 steps an epoch.
fn trained(fit: Fit) -> Vec<Vec<f32>> {
    let data = mnist_embedded().unwrap().take(200, 20);
    let encoder = [Flatten, Linear(8), Relu];
    let mut ae = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
    ae.fit(&data, &fit).unwrap();
    weights(&ae)
}

fn plain(epochs: usize) -> Fit {
    Fit {
        epochs,
        batch_size: 20,
        learning_rate: 0.5,
        validation_split: 0.0,
        optimizer: Optim::sgd(0.0),
        ..Default::default()
    }
}

#[test]
fn the_rate_changes_after_exactly_as_many_steps() {
    for planned in [true, false] {
        let fit = |epochs, every| {
            let schedule = Schedule::Step {
                every,
                factor: 1e-30, // Later steps change nothing.
            };
            Fit {
                planned,
                schedule,
                ..plain(epochs)
            }
        };
        let one_epoch = trained(Fit {
            planned,
            ..plain(1)
        });
        assert!(trained(fit(3, Interval::Epochs(1))) == one_epoch);
        assert!(trained(fit(3, Interval::Steps(10))) == one_epoch);
        for steps in [9, 11] {
            assert!(trained(fit(2, Interval::Steps(steps))) != one_epoch);
        }
    }
}

#[test]
fn a_resumed_run_continues_its_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let data = mnist_embedded().unwrap().take(200, 20);
    let schedule = Schedule::Step {
        every: Interval::Steps(7),
        factor: 0.5,
    };
    let fit = |epochs| Fit {
        schedule,
        optimizer: Optim::sgd(0.9),
        ..plain(epochs)
    };
    trained(Fit {
        checkpoint: Some(path.clone()),
        ..fit(2)
    });
    let more = Resume {
        epochs: Some(4),
        ..Default::default()
    };
    let (resumed, _) = Autoencoder::resume_with(&path, &data, &more).unwrap();
    assert!(weights(&resumed) == trained(fit(4)));
}

#[test]
fn a_schedule_outside_its_range_is_rejected_before_training() {
    let data = mnist_embedded().unwrap().take(200, 20);
    let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)]).unwrap();
    let schedule = Schedule::Step {
        every: Interval::Steps(0),
        factor: 0.5,
    };
    let fit = Fit {
        schedule,
        ..plain(1)
    };
    let error = ae.fit(&data, &fit).unwrap_err().to_string();
    assert!(
        error.starts_with("Schedule::Step::every: expected"),
        "{error}"
    );
}
