//! Interrupted runs with every optimizer and setting continue to the same result, bit by bit.

use candlebook::data::Crop;
use candlebook::optim::{
    Adadelta, Adagrad, Adam, Adamax, Average, Cosine, Gradients, Interval, Lion, NAdam, Plateau,
    RmsProp, Schedule, Sgd,
};
use candlebook::prelude::*;
use std::path::{Path, PathBuf};

fn photograph(path: &Path, k: usize) {
    image::RgbImage::from_fn(12, 12, |x, y| {
        image::Rgb([(x * 20) as u8, (y * 20) as u8, (k * 6) as u8])
    })
    .save(path)
    .unwrap();
}

/// A folder of 30 photographs.
struct Photographs {
    folder: tempfile::TempDir,
}

impl Photographs {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let photographs = Photographs { folder };
        std::fs::create_dir(photographs.path("photographs")).unwrap();
        (0..30).for_each(|k| photograph(&photographs.image(k), k));
        photographs
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn image(&self, k: usize) -> PathBuf {
        self.path("photographs").join(format!("{k:02}.png"))
    }

    fn read(&self) -> Dataset {
        let settings = PhotoSettings {
            size: 8,
            crop: Crop::Random(0.5),
            max_unreadable: 0,
            ..Default::default()
        };
        image_folder(self.path("photographs"), &settings).unwrap()
    }

    /// Trains until photograph `k` cannot be read, and goes on from the checkpoint after the last step
    /// before it.
    fn interrupted(&self, fit: &Fit, k: usize) -> (Autoencoder, History) {
        let path = self.path("run.safetensors");
        let data = self.read();
        std::fs::write(self.image(k), b"torn").unwrap();
        let with_checkpoint = Fit {
            checkpoint: Some(path.clone()),
            checkpoint_every: 0.0,
            ..fit.clone()
        };
        let error = model()
            .fit(&data, &with_checkpoint)
            .unwrap_err()
            .to_string();
        assert!(error.contains(".png"), "{error}");
        photograph(&self.image(k), k);
        let resumed = Autoencoder::resume(&path, &self.read()).unwrap();
        // The last checkpoint is the whole run.
        let (again, history) = Autoencoder::resume(&path, &self.read()).unwrap();
        assert_eq!(
            (weights(&again), history.epochs.len()),
            (weights(&resumed.0), 3)
        );
        std::fs::remove_file(&path).unwrap();
        resumed
    }
}

fn model() -> Autoencoder {
    let encoder = [
        Conv2d(4, 3).padding(1),
        Relu,
        BatchNorm,
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

/// 27 training images: 7 batches an epoch, the last one with 3 images.
fn fit() -> Fit {
    Fit {
        epochs: 3,
        batch_size: 4,
        weight_decay: 0.01,
        learning_rate: 0.01,
        ..Default::default()
    }
}

fn check(photographs: &Photographs, fit: &Fit, torn: &[usize]) {
    for planned in [true, false] {
        let fit = Fit {
            planned,
            ..fit.clone()
        };
        let mut whole = model();
        let expected = whole.fit(&photographs.read(), &fit).unwrap();
        for &k in torn {
            let (ae, history) = photographs.interrupted(&fit, k);
            let what = format!("{}, planned {planned}, photograph {k}", fit.optimizer);
            assert_eq!(history.train_loss(), expected.train_loss(), "{what}");
            assert_eq!(history.valid_loss(), expected.valid_loss(), "{what}");
            assert!(weights(&ae) == weights(&whole), "{what}");
        }
    }
}

#[test]
fn every_optimizer() {
    let photographs = Photographs::new();
    let amsgrad = Adam {
        amsgrad: true,
        decoupled_weight_decay: false,
        ..Default::default()
    };
    let momentum = RmsProp {
        centered: true,
        momentum: 0.5,
        ..Default::default()
    };
    let dampening = Sgd {
        momentum: 0.9,
        dampening: 0.5,
        ..Default::default()
    };
    let nesterov = Sgd {
        momentum: 0.9,
        nesterov: true,
        ..Default::default()
    };
    let adagrad = Adagrad {
        rate_decay: 0.1,
        initial_sum: 0.1,
        ..Default::default()
    };
    for optimizer in [
        Optim::Adam(amsgrad),
        Optim::Adamax(Adamax::default()),
        Optim::NAdam(NAdam::default()),
        Optim::Adagrad(adagrad),
        Optim::Adadelta(Adadelta::default()),
        Optim::RmsProp(momentum),
        Optim::Lion(Lion::default()),
        Optim::Sgd(dampening),
        Optim::Sgd(nesterov),
    ] {
        let fit = Fit { optimizer, ..fit() };
        check(&photographs, &fit, &[17]);
    }
}

#[test]
fn every_setting_of_gradients_and_averages() {
    let photographs = Photographs::new();
    let gradients = Gradients {
        clip_norm: Some(0.05),
        clip_value: Some(0.02),
        accumulate: 3,
        noise: 1e-3,
        ..Default::default()
    };
    let period = Some(Interval::Epochs(1));
    let cosine = Cosine {
        warm_up: Interval::Steps(2),
        period,
        ..Default::default()
    };
    let plateau = Plateau {
        patience: 0,
        threshold: 0.9,
        ..Default::default()
    };
    for (average, schedule) in [
        (Average::Ema { decay: 0.8 }, Schedule::Cosine(cosine)),
        (Average::Swa { from_epoch: 1 }, Schedule::Plateau(plateau)),
        (Average::Swa { from_epoch: 2 }, Schedule::Constant),
    ] {
        let fit = Fit {
            gradients,
            average,
            schedule,
            ..fit()
        };
        // Interruptions after different numbers of accumulated batches.
        check(&photographs, &fit, &[3, 9, 17, 22]);
    }
}
