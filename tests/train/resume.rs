//! Continued runs: their data, and more epochs.

use candlebook::prelude::*;
use std::path::PathBuf;

struct Run {
    folder: tempfile::TempDir,
    data: Dataset,
    fit: Fit,
}

fn model() -> Autoencoder {
    Autoencoder::symmetric(
        (1, 28, 28),
        &[GaussianNoise(0.1), Flatten, Linear(8), Relu, Dropout(0.2)],
    )
    .unwrap()
}

impl Run {
    fn new() -> Run {
        let folder = tempfile::tempdir().unwrap();
        let fit = Fit {
            epochs: 2,
            batch_size: 20,
            checkpoint: Some(folder.path().join("run.safetensors")),
            ..Default::default()
        };
        Run {
            folder,
            data: mnist_embedded().unwrap().take(200, 50),
            fit,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("run.safetensors")
    }

    /// Continues for all in all `epochs`.
    fn longer(&self, epochs: usize) -> Result<(Autoencoder, History), Error> {
        let resume = Resume {
            epochs: Some(epochs),
            ..Default::default()
        };
        Autoencoder::resume_with(self.path(), &self.data, &resume)
    }
}

fn weights(ae: &Autoencoder) -> Vec<Vec<f32>> {
    let all = [ae.variables(), ae.buffers()].concat();
    all.iter()
        .map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap())
        .collect()
}

/// A model with a codebook of moving averages, labels and masked steps, which draw in training.
fn model_of_whole_batches() -> Autoencoder {
    let encoder = [
        Patches(7, 7),
        MaskSteps(0.25),
        Linear(8),
        Flatten,
        Linear(6),
        VectorQuantize(12),
        Condition(10),
    ];
    Autoencoder::symmetric((1, 28, 28), &encoder).unwrap()
}

#[test]
fn layers_of_whole_batches_resume_to_the_same_result() {
    for planned in [true, false] {
        let mut run = Run::new();
        run.fit.planned = planned;
        model_of_whole_batches().fit(&run.data, &run.fit).unwrap();
        let (ae, _) = run.longer(4).unwrap();
        let mut whole = model_of_whole_batches();
        let fit = Fit {
            epochs: 4,
            checkpoint: None,
            ..run.fit.clone()
        };
        whole.fit(&run.data, &fit).unwrap();
        assert_eq!(weights(&ae), weights(&whole), "planned: {planned}");
        assert_eq!(ae.buffers().len(), 3);
    }
}

#[test]
fn more_epochs_give_the_weights_of_a_run_that_had_them_from_the_start() {
    let run = Run::new();
    model().fit(&run.data, &run.fit).unwrap();
    let (ae, history) = run.longer(5).unwrap();
    let mut whole = model();
    let fit = Fit {
        epochs: 5,
        checkpoint: None,
        ..run.fit.clone()
    };
    let expected = whole.fit(&run.data, &fit).unwrap();
    assert_eq!(history.train_loss(), expected.train_loss());
    assert_eq!(weights(&ae), weights(&whole));
    // The file now has all five.
    assert_eq!(
        run.longer(4).unwrap_err().to_string(),
        "Resume::epochs: expected at least 5, the epochs that the run has finished, got 4. Count all \
         epochs of the run, also those before the checkpoint"
    );
    let (ae, history) = Autoencoder::resume(run.path(), &run.data).unwrap();
    assert_eq!((history.epochs.len(), weights(&ae)), (5, weights(&whole)));
}

#[test]
fn other_data_of_the_same_size_are_refused() {
    let run = Run::new();
    model().fit(&run.data, &run.fit).unwrap();
    let error = |train: Split| {
        let data = Dataset {
            train,
            ..run.data.clone()
        };
        let resume = Resume {
            epochs: Some(3),
            ..Default::default()
        };
        Autoencoder::resume_with(run.path(), &data, &resume)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    let images = run.data.train.first(200).unwrap();
    let inverted = Split::from_tensor(&(1.0 - &images).unwrap(), None).unwrap();
    assert_eq!(
        error(inverted),
        "resume: expected the 180 training images of the run, got other images. Resume with the data \
         that the run began with; to train on other data, call fit on the model of Autoencoder::load"
    );
    // A single pixel.
    let mut values = images.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    values[100 * 784 + 300] = 0.123;
    let changed = Tensor::from_vec(values, (200, 1, 28, 28), &Device::Cpu).unwrap();
    assert!(error(Split::from_tensor(&changed, None).unwrap()).contains("got other images"));
    // The same images as floats are the same data.
    let train = Split::from_tensor(&images, None).unwrap();
    let data = Dataset {
        train,
        ..run.data.clone()
    };
    assert_eq!(
        Autoencoder::resume(run.path(), &data)
            .unwrap()
            .1
            .epochs
            .len(),
        2
    );
}

#[test]
fn a_folder_may_move_but_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let photograph = |folder: &str, k: u8, blue: u8| {
        let image = image::RgbImage::from_fn(8, 8, |x, y| {
            image::Rgb([(x * 30) as u8, (y * 30) as u8 + k, blue])
        });
        image.save(format!("{folder}/{k:02}.png")).unwrap();
    };
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (name, blue) in [("photos", 9), ("others", 200)] {
        std::fs::create_dir(path(name)).unwrap();
        (0..20).for_each(|k| photograph(&path(name), k, blue));
    }
    let settings = PhotoSettings {
        size: 8,
        ..Default::default()
    };
    let fit = Fit {
        epochs: 1,
        batch_size: 4,
        checkpoint: Some(folder.path().join("run.safetensors")),
        ..Default::default()
    };
    let mut ae = Autoencoder::symmetric((3, 8, 8), &[Flatten, Linear(4)]).unwrap();
    ae.fit(&image_folder(path("photos"), &settings).unwrap(), &fit)
        .unwrap();
    std::fs::rename(path("photos"), path("moved")).unwrap();
    let resume = |name: &str| {
        let data = image_folder(path(name), &settings).unwrap();
        Autoencoder::resume(path("run.safetensors"), &data).map(|(_, history)| history.epochs.len())
    };
    assert_eq!(resume("moved").unwrap(), 1);
    let error = resume("others").unwrap_err().to_string();
    assert!(error.contains("got other images"), "{error}");
}
