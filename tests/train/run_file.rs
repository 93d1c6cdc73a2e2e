//! Files of a run: the best epoch's model, and a checkpoint that survives the end of its process.

use candlebook::prelude::*;
use candlebook::train::EarlyStopping;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

fn weights(ae: &Autoencoder) -> Vec<Vec<f32>> {
    let all = [ae.variables(), ae.buffers()].concat();
    all.iter()
        .map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap())
        .collect()
}

fn few() -> Dataset {
    mnist_embedded().unwrap().take(40, 10)
}

fn model() -> Autoencoder {
    Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(64), BatchNorm, Relu]).unwrap()
}

fn settings(epochs: usize, checkpoint: Option<PathBuf>) -> Fit {
    Fit {
        epochs,
        batch_size: 8,
        learning_rate: 0.02,
        validation_split: 0.25,
        checkpoint,
        ..Default::default()
    }
}

#[test]
fn the_best_model_is_beside_the_checkpoint_and_a_resumed_run_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let mut whole = model();
    let history = whole.fit(&few(), &settings(12, None)).unwrap();
    let (best, _) = history.best().unwrap();
    assert!(
        best < 12,
        "the last epoch is the best: {:?}",
        history.valid_loss()
    );
    whole.restore_best().unwrap();
    // Interrupted after the best epoch, and before.
    for epochs in [best.max(2) - 1, best, best + 1] {
        model()
            .fit(&few(), &settings(epochs, Some(path.clone())))
            .unwrap();
        let more = Resume {
            epochs: Some(12),
            ..Default::default()
        };
        let (mut ae, resumed) = Autoencoder::resume_with(&path, &few(), &more).unwrap();
        assert_eq!(resumed.valid_loss(), history.valid_loss());
        assert_eq!(ae.restore_best().unwrap(), best);
        assert_eq!(
            weights(&ae),
            weights(&whole),
            "interrupted after {epochs} epochs"
        );
        let saved = Autoencoder::load(folder.path().join("run.best.safetensors")).unwrap();
        assert_eq!(weights(&saved), weights(&whole));
        // The file of the complete run knows it too.
        let (mut ae, _) = Autoencoder::resume(&path, &few()).unwrap();
        assert_eq!(ae.restore_best().unwrap(), best);
        assert_eq!(weights(&ae), weights(&whole));
    }
}

#[test]
fn a_run_that_early_stopping_ended_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let fit = Fit {
        early_stopping: Some(EarlyStopping::default()),
        ..settings(200, Some(path.clone()))
    };
    let mut ae = model();
    let history = ae.fit(&few(), &fit).unwrap();
    assert!(history.restored.is_some() && history.epochs.len() < 200);
    let (again, resumed) = Autoencoder::resume(&path, &few()).unwrap();
    assert_eq!(resumed, history);
    assert_eq!(weights(&again), weights(&ae));
}

#[test]
fn a_model_that_was_not_trained_has_no_best_epoch() {
    assert_eq!(
        model().restore_best().unwrap_err().to_string(),
        "restore_best: expected a model that fit has trained for an epoch, got one without a best \
         epoch. Train it first; a checkpoint's best model is the file run.best.safetensors"
    );
}

const CHECKPOINT: &str = "CANDLEBOOK_TEST_CHECKPOINT";

/// Trains in a process of its own, which writes a checkpoint after each step.
fn spawn(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "run_file::a_killed_process_leaves_a_whole_checkpoint",
        ])
        .env(CHECKPOINT, path)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_killed_process_leaves_a_whole_checkpoint() {
    let endless = |path: PathBuf| Fit {
        checkpoint_every: 0.0,
        ..settings(10_000, Some(path))
    };
    if let Some(path) = std::env::var_os(CHECKPOINT) {
        model().fit(&few(), &endless(path.into())).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    for wait in [0, 3, 7, 12] {
        let _ = std::fs::remove_file(&path);
        let mut child = spawn(&path);
        while !path.exists() {
            assert!(child.try_wait().unwrap().is_none(), "the process has ended");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap(); // SIGKILL on Unix
        child.wait().unwrap();
        // The file is whole, and the run goes on to the result of an uninterrupted one.
        let state = Autoencoder::load(&path).unwrap();
        assert_ne!(weights(&state), weights(&model()));
        let epochs = Some(finished_epochs(&path) + 1);
        let more = Resume {
            epochs,
            ..Default::default()
        };
        let (ae, history) = Autoencoder::resume_with(&path, &few(), &more).unwrap();
        let mut whole = model();
        let expected = whole
            .fit(&few(), &settings(history.epochs.len(), None))
            .unwrap();
        assert_eq!(history.train_loss(), expected.train_loss());
        assert_eq!(weights(&ae), weights(&whole));
    }
}

/// Finished epochs of a checkpoint, by the error about fewer.
fn finished_epochs(path: &Path) -> usize {
    let none = Resume {
        epochs: Some(0),
        ..Default::default()
    };
    let Err(error) = Autoencoder::resume_with(path, &few(), &none) else {
        return 0;
    };
    let text = error.to_string();
    let number = text
        .split("at least ")
        .nth(1)
        .and_then(|rest| rest.split(',').next());
    number.map_or(0, |number| number.parse().unwrap())
}
