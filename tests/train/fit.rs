//! Settings of training: their ranges, and their form in checkpoints.

use candlebook::optim::Schedule;
use candlebook::prelude::*;

/// Error of training on 600 digits with these settings.
fn error(fit: Fit) -> String {
    let data = mnist_embedded().unwrap().take(600, 10);
    let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(2)]).unwrap();
    ae.fit(&data, &fit).unwrap_err().to_string()
}

#[test]
fn batch_sizes_and_epochs_outside_their_range_are_rejected() {
    let batch_size = |batch_size| {
        error(Fit {
            batch_size,
            ..Default::default()
        })
    };
    assert_eq!(
        batch_size(541),
        "Fit::batch_size: expected 1 to 540, the number of training images, got 541. Choose a smaller \
         batch size or more data"
    );
    assert!(batch_size(0).starts_with("Fit::batch_size: expected 1 to 540"));
    let text = error(Fit {
        epochs: 0,
        ..Default::default()
    });
    assert!(
        text.starts_with("Fit::epochs: expected at least 1, got 0"),
        "{text}"
    );
    let text = error(Fit {
        validation_split: 1.0,
        ..Default::default()
    });
    let expected = "Fit::validation_split: expected a share in [0, 1), got 1";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn rates_outside_their_range_are_rejected() {
    for learning_rate in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
        let text = error(Fit {
            learning_rate,
            ..Default::default()
        });
        let expected = "Fit::learning_rate: expected a positive number, got ";
        assert!(text.starts_with(expected), "{text}");
    }
    let text = error(Fit {
        weight_decay: -1.0,
        ..Default::default()
    });
    assert!(
        text.starts_with("Fit::weight_decay: expected zero or more, got -1"),
        "{text}"
    );
}

#[test]
fn optimizer_settings_outside_their_range_are_rejected() {
    assert_eq!(
        error(Fit {
            optimizer: Optim::sgd(1.0),
            ..Default::default()
        }),
        "Sgd::momentum: expected a number in [0, 1), got 1. 0.9 is common; 0 is plain gradient descent"
    );
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_rejected_before_training() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no/such");
    let text = error(Fit {
        checkpoint: Some(missing.join("run.safetensors")),
        ..Default::default()
    });
    let name = missing.display();
    assert_eq!(
        text,
        format!(
            "{name}: expected a folder for run.safetensors, got none. \
             Create it: std::fs::create_dir_all(\"{name}\")?"
        )
    );
    let text = error(Fit {
        checkpoint_every: f64::NAN,
        ..Default::default()
    });
    assert!(
        text.starts_with("Fit::checkpoint_every: expected zero or more minutes"),
        "{text}"
    );
}

#[test]
fn settings_of_old_checkpoints_load() {
    let json = r#"{"epochs":3,"batch":32,"learning_rate":0.01,"optimizer":{"Sgd":{"momentum":0.9}},
        "loss":"BinaryCrossEntropy","validation":0.2,"noise":0.0,"weight_decay":0.5,"seed":7,
        "compiled":false,"bf16":true,"checkpoint":null,"checkpoint_every":5.0}"#;
    let expected = Fit {
        epochs: 3,
        batch_size: 32,
        learning_rate: 0.01,
        schedule: Schedule::Constant,
        optimizer: Optim::sgd(0.9),
        loss: Loss::BinaryCrossEntropy,
        validation_split: 0.2,
        weight_decay: 0.5,
        seed: 7,
        planned: false,
        bf16: true,
        checkpoint: None,
        checkpoint_every: 5.0,
        ..Default::default()
    };
    assert_eq!(serde_json::from_str::<Fit>(json).unwrap(), expected);
}

#[test]
fn checkpoints_from_before_the_choice_of_an_optimizer_load() {
    let fit: Fit = serde_json::from_str(r#"{"epochs":3,"batch":32,"validation":0.2}"#).unwrap();
    let expected = Fit {
        epochs: 3,
        batch_size: 32,
        validation_split: 0.2,
        ..Default::default()
    };
    assert_eq!(fit, expected);
}

#[test]
fn settings_survive_the_round_trip() {
    let fit = Fit {
        planned: false,
        optimizer: Optim::sgd(0.5),
        ..Default::default()
    };
    let json = serde_json::to_string(&fit).unwrap();
    assert_eq!(serde_json::from_str::<Fit>(&json).unwrap(), fit);
    for name in ["\"batch\":128", "\"validation\":0.1", "\"compiled\":false"] {
        assert!(json.contains(name), "{json}");
    }
}
