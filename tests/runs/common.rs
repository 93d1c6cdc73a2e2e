//! Histories with known numbers.

use candlebook::prelude::*;
use candlebook::train::{Epoch, LossTerm};
use std::path::Path;
use std::process::Command;

pub fn epoch(train_loss: f32, valid_loss: Option<f32>) -> Epoch {
    Epoch {
        train_loss,
        valid_loss,
        learning_rate: 0.002,
        seconds: 2.0,
        images_per_second: 1500.0,
        ..Default::default()
    }
}

pub fn history(epochs: Vec<Epoch>) -> History {
    History {
        epochs,
        fit: Fit {
            epochs: 2,
            learning_rate: 0.002,
            ..Default::default()
        },
        ..Default::default()
    }
}

/// Two epochs of a variational autoencoder.
pub fn with_terms() -> History {
    let term = |train, valid| LossTerm {
        name: "KL, \"β\"".into(),
        train,
        valid: Some(valid),
    };
    let mut epochs = vec![epoch(0.5, Some(0.25)), epoch(0.1, Some(0.125))];
    epochs[0].terms.push(term(0.3, 0.0625));
    epochs[1].terms.push(term(0.2, 0.03125));
    history(epochs)
}

/// Runs the body of a test in a process of its own, whose run log is a new file. `test` is the
/// test's full name: the log's place is an environment variable, which belongs to a whole process.
pub fn with_log(test: &str, body: fn(&Path)) {
    if let Some(path) = std::env::var_os("CANDLEBOOK_TEST_LOG") {
        return body(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.sqlite");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("CANDLEBOOK_RUNS", &path)
        .env("CANDLEBOOK_TEST_LOG", &path)
        .output()
        .unwrap();
    let (text, errors) = (output.stdout, String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "{text}{errors}");
    assert!(text.contains("1 passed"), "{text}");
}

/// 200 digits and a small model.
pub fn digits() -> (Dataset, Autoencoder) {
    let data = mnist_embedded().unwrap().take(200, 20);
    let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8), Relu]).unwrap();
    (data, ae)
}
