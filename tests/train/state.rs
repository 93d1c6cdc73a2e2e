//! Runs that were broken off go on as if they had not been.

use candlebook::prelude::*;
use std::path::Path;

fn photograph(path: &Path, k: usize) {
    image::RgbImage::from_fn(20, 20, |x, y| {
        image::Rgb([(x * 12) as u8, (y * 12) as u8, (k * 6) as u8])
    })
    .save(path)
    .unwrap();
}

fn model() -> Autoencoder {
    let encoder = [
        Conv2d(4, 3).padding(1),
        Relu,
        BatchNorm,
        MaxPool2d(2),
        Flatten,
        Dropout(0.2),
        Linear(9),
    ];
    Autoencoder::symmetric((3, 8, 8), &encoder).unwrap()
}

fn weights(ae: &Autoencoder) -> Vec<Vec<f32>> {
    let all = [ae.variables(), ae.buffers()].concat();
    all.iter()
        .map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap())
        .collect()
}

#[test]
fn a_run_that_an_error_broke_off_in_an_epoch_goes_on_to_the_same_end() {
    let folder = tempfile::tempdir().unwrap();
    let photographs = folder.path().join("photographs");
    std::fs::create_dir(&photographs).unwrap();
    for k in 0..30 {
        photograph(&photographs.join(format!("{k:02}.png")), k);
    }
    let how = PhotoSettings {
        size: 8,
        crop: Crop::Random(0.5),
        flip: true,
        max_unreadable: 0,
        ..Default::default()
    };
    let read = || image_folder(&photographs, &how).unwrap();
    let kept = folder.path().join("run.safetensors");
    let methods = [
        Optim::Adam,
        Optim::Sgd { momentum: 0.9 },
        Optim::Sgd { momentum: 0.0 },
    ];
    for (compiled, optimizer) in [true, false]
        .into_iter()
        .flat_map(|c| methods.map(|m| (c, m)))
    {
        let fit = Fit {
            epochs: 3,
            batch: 4,
            noise: 0.05,
            weight_decay: 0.01,
            compiled,
            optimizer,
            ..Default::default()
        };
        let mut whole = model();
        let expected = whole.fit(&read(), &fit).unwrap();
        // A file that is torn for a while, among those that are left for training.
        let data = read();
        let victim = photographs.join("17.png");
        std::fs::write(&victim, b"torn").unwrap();
        let mut broken = model();
        let with = Fit {
            checkpoint: Some(kept.clone()),
            checkpoint_every: 0.0,
            ..fit.clone()
        };
        let error = broken.fit(&data, &with).unwrap_err().to_string();
        assert!(error.contains("17.png"), "{error}");
        photograph(&victim, 17);
        let begun = Autoencoder::load(&kept).unwrap();
        assert_ne!(weights(&begun), weights(&model()), "some steps were made");
        let (ae, history) = Autoencoder::resume(&kept, &read()).unwrap();
        assert_eq!(
            history.train_loss(),
            expected.train_loss(),
            "compiled {compiled}, {optimizer:?}"
        );
        assert_eq!(history.valid_loss(), expected.valid_loss());
        assert_eq!(weights(&ae), weights(&whole));
        // What is left at the end is the whole run.
        let (ae, history) = Autoencoder::resume(&kept, &read()).unwrap();
        assert_eq!((history.epochs.len(), weights(&ae)), (3, weights(&whole)));
        std::fs::remove_file(&kept).unwrap();
    }
}

#[test]
fn the_file_opens_as_a_model_too() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("run.safetensors");
    let data = photographs(8).unwrap().take(60, 10);
    let mut ae = model();
    ae.fit(
        &data,
        &Fit {
            epochs: 1,
            batch: 20,
            checkpoint: Some(kept.clone()),
            ..Default::default()
        },
    )
    .unwrap();
    assert_eq!(weights(&Autoencoder::load(&kept).unwrap()), weights(&ae));
    let mut other = model().with_seed(5).unwrap();
    other.load_weights(&kept).unwrap();
    assert_eq!(weights(&other), weights(&ae));
}

#[test]
fn the_file_holds_the_moments_that_the_optimizer_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("run.safetensors");
    let data = photographs(8).unwrap().take(60, 10);
    let ways = [
        (Optim::Adam, [true, true]),
        (Optim::Sgd { momentum: 0.9 }, [true, false]),
        (Optim::Sgd { momentum: 0.0 }, [false, false]),
    ];
    for (optimizer, expected) in ways {
        let fit = Fit {
            epochs: 1,
            batch: 20,
            optimizer,
            checkpoint: Some(kept.clone()),
            ..Default::default()
        };
        model().fit(&data, &fit).unwrap();
        let tensors = candle::safetensors::load(&kept, &Device::Cpu).unwrap();
        let found = ["mean", "square"]
            .map(|moment| tensors.contains_key(&format!("training.{moment}.encoder.0.weight")));
        assert_eq!(found, expected, "{optimizer:?}");
    }
}

#[test]
fn what_cannot_be_resumed_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("run.safetensors");
    let data = photographs(8).unwrap();
    let text = |data: &Dataset| Autoencoder::resume(&kept, data).unwrap_err().to_string();
    assert!(text(&data).contains("run.safetensors: cannot read: "));
    model().save(&kept).unwrap();
    assert!(text(&data).ends_with(
        "run.safetensors: expected a run of training, got a model alone. Give the file that Fit { checkpoint, .. } named; a \
         model alone opens with Autoencoder::load"
    ));
    let fit = Fit {
        epochs: 1,
        batch: 20,
        checkpoint: Some(kept.clone()),
        ..Default::default()
    };
    model().fit(&data.take(60, 10), &fit).unwrap();
    assert_eq!(
        text(&data.take(61, 10)),
        "resume: expected 54 training pictures, got 55. Resume with the data that the run began with"
    );
    let bytes = std::fs::read(&kept).unwrap();
    std::fs::write(&kept, &bytes[..bytes.len() / 2]).unwrap();
    assert!(text(&data).contains("expected a whole safetensors file"));
    let nowhere = Fit {
        checkpoint: Some(folder.path().join("no/such/run.safetensors")),
        ..fit
    };
    let error = model()
        .fit(&data.take(60, 10), &nowhere)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no/such: expected a folder for the checkpoint, got none"),
        "{error}"
    );
}

const RUN: &str = "run.safetensors";

/// A folder with a run of one epoch in it, and the pictures that it learned from.
fn kept_run(pictures: usize, batch: usize) -> (tempfile::TempDir, Dataset) {
    let folder = tempfile::tempdir().unwrap();
    let data = photographs(8).unwrap().take(pictures, 10);
    let fit = Fit {
        epochs: 1,
        batch,
        checkpoint: Some(folder.path().join(RUN)),
        ..Default::default()
    };
    model().fit(&data, &fit).unwrap();
    (folder, data)
}

#[test]
fn a_batch_of_all_that_is_left_for_training_can_be_resumed() {
    let (folder, data) = kept_run(100, 90);
    let kept = folder.path().join(RUN);
    assert_eq!(Autoencoder::resume(&kept, &data).unwrap().1.epochs.len(), 1);
}

#[test]
fn numbers_that_no_run_has_are_refused() {
    let (folder, data) = kept_run(60, 20);
    let kept = folder.path().join(RUN);
    let bytes = std::fs::read(&kept).unwrap();
    // In the file's head, where the run is JSON inside JSON.
    for (from, to) in [
        (r#"\"batch\":0,\"sum\""#, r#"\"batch\":9,\"sum\""#),
        (
            r#"\"seconds\":0.0,\"steps\""#,
            r#"\"seconds\":-1.,\"steps\""#,
        ),
        (r#"\"steps\":3"#, r#"\"steps\":-"#),
    ] {
        let at = bytes
            .windows(from.len())
            .position(|window| window == from.as_bytes())
            .expect(from);
        let mut changed = bytes.clone();
        changed.splice(at..at + from.len(), to.bytes());
        std::fs::write(&kept, changed).unwrap();
        let error = Autoencoder::resume(&kept, &data).unwrap_err().to_string();
        assert!(
            error.contains("expected a run of training, got "),
            "{error}"
        );
    }
}

#[test]
fn bf16_is_for_gpus_and_changes_nothing_on_the_cpu() {
    let data = photographs(8).unwrap().take(100, 10);
    for compiled in [true, false] {
        let run = |bf16| {
            let fit = Fit {
                epochs: 1,
                batch: 20,
                compiled,
                bf16,
                ..Default::default()
            };
            model().fit(&data, &fit).unwrap().train_loss()
        };
        assert_eq!(run(false), run(true));
    }
}
