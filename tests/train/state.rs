//! Checkpoints: an interrupted run continues to the same result.

use candlebook::data::Crop;
use candlebook::model::Init;
use candlebook::optim::{Adadelta, RmsProp};
use candlebook::prelude::*;
use std::path::Path;

const RUN: &str = "run.safetensors";

fn photograph(path: &Path, k: usize) {
    image::RgbImage::from_fn(20, 20, |x, y| {
        image::Rgb([(x * 12) as u8, (y * 12) as u8, (k * 6) as u8])
    })
    .save(path)
    .unwrap();
}

fn rms_prop(centered: bool) -> Optim {
    Optim::RmsProp(RmsProp {
        centered,
        ..Default::default()
    })
}

fn model() -> Autoencoder {
    model_of_seed(0)
}

fn model_of_seed(seed: u64) -> Autoencoder {
    let encoder = [
        Conv2d(4, 3).padding(1),
        Relu,
        BatchNorm,
        MaxPool2d(2),
        Flatten,
        Dropout(0.2),
        Linear(9),
    ];
    let init = Init {
        seed,
        ..Default::default()
    };
    Autoencoder::symmetric_with((3, 8, 8), &encoder, &init).unwrap()
}

fn weights(ae: &Autoencoder) -> Vec<Vec<f32>> {
    let all = [ae.variables(), ae.buffers()].concat();
    all.iter()
        .map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap())
        .collect()
}

#[test]
fn a_run_interrupted_within_an_epoch_resumes_to_the_same_result() {
    let folder = tempfile::tempdir().unwrap();
    let photographs = folder.path().join("photographs");
    std::fs::create_dir(&photographs).unwrap();
    for k in 0..30 {
        photograph(&photographs.join(format!("{k:02}.png")), k);
    }
    let settings = PhotoSettings {
        size: 8,
        crop: Crop::Random(0.5),
        flip: true,
        max_unreadable: 0,
        ..Default::default()
    };
    let read = || image_folder(&photographs, &settings).unwrap();
    let path = folder.path().join(RUN);
    let optimizers = [
        Optim::adam(),
        rms_prop(false),
        rms_prop(true),
        Optim::Adadelta(Adadelta::default()),
        Optim::sgd(0.9),
        Optim::sgd(0.0),
    ];
    for (planned, optimizer) in [true, false]
        .into_iter()
        .flat_map(|planned| optimizers.map(|optimizer| (planned, optimizer)))
    {
        let fit = Fit {
            epochs: 3,
            batch_size: 4,
            weight_decay: 0.01,
            planned,
            optimizer,
            ..Default::default()
        };
        let mut whole = model();
        let expected = whole.fit(&read(), &fit).unwrap();
        // A training image that is unreadable for a while.
        let data = read();
        let unreadable = photographs.join("17.png");
        std::fs::write(&unreadable, b"torn").unwrap();
        let mut interrupted = model();
        let with_checkpoint = Fit {
            checkpoint: Some(path.clone()),
            checkpoint_every: 0.0,
            ..fit.clone()
        };
        let error = interrupted
            .fit(&data, &with_checkpoint)
            .unwrap_err()
            .to_string();
        assert!(error.contains("17.png"), "{error}");
        photograph(&unreadable, 17);
        let partial = Autoencoder::load(&path).unwrap();
        assert_ne!(weights(&partial), weights(&model()), "some steps were made");
        let (ae, history) = Autoencoder::resume(&path, &read()).unwrap();
        assert_eq!(
            history.train_loss(),
            expected.train_loss(),
            "planned {planned}, {optimizer}"
        );
        assert_eq!(history.valid_loss(), expected.valid_loss());
        assert_eq!(weights(&ae), weights(&whole));
        // The last checkpoint is the whole run.
        let (ae, history) = Autoencoder::resume(&path, &read()).unwrap();
        assert_eq!((history.epochs.len(), weights(&ae)), (3, weights(&whole)));
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_checkpoint_loads_as_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(RUN);
    let data = photographs(8).unwrap().take(60, 10);
    let mut ae = model();
    ae.fit(
        &data,
        &Fit {
            epochs: 1,
            batch_size: 20,
            checkpoint: Some(path.clone()),
            ..Default::default()
        },
    )
    .unwrap();
    assert_eq!(weights(&Autoencoder::load(&path).unwrap()), weights(&ae));
    let mut other = model_of_seed(5);
    other.load_weights(&path).unwrap();
    assert_eq!(weights(&other), weights(&ae));
}

#[test]
fn a_checkpoint_holds_the_moments_that_the_optimizer_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(RUN);
    let data = photographs(8).unwrap().take(60, 10);
    let cases = [
        (Optim::adam(), [true, true]),
        (rms_prop(true), [true, true]),
        (rms_prop(false), [false, true]),
        (Optim::sgd(0.9), [true, false]),
        (Optim::sgd(0.0), [false, false]),
    ];
    for (optimizer, expected) in cases {
        let fit = Fit {
            epochs: 1,
            batch_size: 20,
            optimizer,
            checkpoint: Some(path.clone()),
            ..Default::default()
        };
        model().fit(&data, &fit).unwrap();
        let tensors = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
        let found = ["mean", "square"]
            .map(|moment| tensors.contains_key(&format!("training.{moment}.encoder.0.weight")));
        assert_eq!(found, expected, "{optimizer}");
    }
}

#[test]
fn files_that_cannot_be_resumed_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(RUN);
    let data = photographs(8).unwrap();
    let error = |data: &Dataset| Autoencoder::resume(&path, data).unwrap_err().to_string();
    assert!(error(&data).contains("run.safetensors: cannot read: "));
    model().save(&path).unwrap();
    let text = error(&data);
    assert!(
        text.ends_with(
            "run.safetensors: expected a training run, got a model without one. Pass the file that \
             Fit { checkpoint, .. } named; open a model with Autoencoder::load"
        ),
        "{text}"
    );
    let fit = Fit {
        epochs: 1,
        batch_size: 20,
        checkpoint: Some(path.clone()),
        ..Default::default()
    };
    model().fit(&data.take(60, 10), &fit).unwrap();
    assert_eq!(
        error(&data.take(61, 10)),
        "resume: expected 54 training images, got 55. Resume with the data \
         that the run began with; to train on other data, call fit on the model of Autoencoder::load"
    );
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(error(&data).contains("expected a whole safetensors file"));
}

/// Folder with the checkpoint of a run of one epoch, and the run's data.
fn finished_run(images: usize, batch_size: usize) -> (tempfile::TempDir, Dataset) {
    let folder = tempfile::tempdir().unwrap();
    let data = photographs(8).unwrap().take(images, 10);
    let fit = Fit {
        epochs: 1,
        batch_size,
        checkpoint: Some(folder.path().join(RUN)),
        ..Default::default()
    };
    model().fit(&data, &fit).unwrap();
    (folder, data)
}

#[test]
fn a_run_with_one_batch_per_epoch_can_be_resumed() {
    let (folder, data) = finished_run(100, 90);
    let path = folder.path().join(RUN);
    assert_eq!(Autoencoder::resume(&path, &data).unwrap().1.epochs.len(), 1);
}

#[test]
fn damaged_numbers_are_rejected() {
    let (folder, data) = finished_run(60, 20);
    let path = folder.path().join(RUN);
    let bytes = std::fs::read(&path).unwrap();
    // The state is JSON inside the JSON of the file's header.
    for (from, to) in [
        (r#"\"batch\":0,\"sum\""#, r#"\"batch\":9,\"sum\""#),
        (
            r#"\"seconds\":0.0,\"steps\""#,
            r#"\"seconds\":-1.,\"steps\""#,
        ),
        (r#"\"steps\":3"#, r#"\"steps\":-"#),
    ] {
        let start = bytes
            .windows(from.len())
            .position(|window| window == from.as_bytes())
            .expect(from);
        let mut changed = bytes.clone();
        changed.splice(start..start + from.len(), to.bytes());
        std::fs::write(&path, changed).unwrap();
        let error = Autoencoder::resume(&path, &data).unwrap_err().to_string();
        assert!(error.contains("expected a training run, got "), "{error}");
    }
}

#[test]
fn bf16_changes_nothing_on_the_cpu() {
    let data = photographs(8).unwrap().take(100, 10);
    for planned in [true, false] {
        let run = |bf16| {
            let fit = Fit {
                epochs: 1,
                batch_size: 20,
                planned,
                bf16,
                ..Default::default()
            };
            model().fit(&data, &fit).unwrap().train_loss()
        };
        assert_eq!(run(false), run(true));
    }
}
