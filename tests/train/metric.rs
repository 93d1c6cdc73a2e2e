//! Metrics at the end of each epoch.

use candlebook::evaluate::{psnr, ssim};
use candlebook::prelude::*;
use candlebook::train::Metric;

const ALL: [Metric; 5] = [
    Metric::Mse,
    Metric::Mae,
    Metric::Psnr,
    Metric::Ssim,
    Metric::ActiveUnits,
];

fn fit(metrics: &[Metric]) -> Fit {
    Fit {
        epochs: 2,
        batch_size: 20,
        validation_split: 0.0,
        metrics: metrics.to_vec(),
        ..Default::default()
    }
}

/// Means over images and reconstructions, computed directly.
fn expected(ae: &Autoencoder, split: &Split) -> [f64; 5] {
    let images = split.first(split.len()).unwrap();
    let outputs = ae.trained_images(&images);
    let mean =
        |values: Vec<f32>| values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
    let flat = |t: Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let error = (&images - &outputs).unwrap();
    [
        mean(flat(error.sqr().unwrap())),
        mean(flat(error.abs().unwrap())),
        mean(psnr(&images, &outputs).unwrap()),
        mean(ssim(&images, &outputs).unwrap()),
        ae.active_units(split).unwrap().active as f64,
    ]
}

trait TrainedImages {
    fn trained_images(&self, images: &Tensor) -> Tensor;
}

impl TrainedImages for Autoencoder {
    /// Reconstructions as pixels.
    fn trained_images(&self, images: &Tensor) -> Tensor {
        let output = self.reconstruct(images).unwrap();
        if self.decoder().contains(&Sigmoid) {
            output
        } else {
            candle_nn::ops::sigmoid(&output).unwrap()
        }
    }
}

#[test]
fn the_last_values_are_those_of_the_trained_model() {
    let data = mnist_embedded().unwrap().take(100, 10);
    let encoder = [Flatten, Linear(8), Relu, Dropout(0.5)];
    let logits = [Linear(784), Unflatten(1, 28, 28)];
    let with_logits = Fit {
        loss: Loss::BinaryCrossEntropyWithLogits,
        ..fit(&ALL)
    };
    for (mut ae, fit) in [
        (
            Autoencoder::symmetric((1, 28, 28), &encoder).unwrap(),
            fit(&ALL),
        ),
        (
            Autoencoder::new((1, 28, 28), &encoder, &logits).unwrap(),
            with_logits,
        ),
    ] {
        let history = ae.fit(&data, &fit).unwrap();
        let row = history.epochs.last().unwrap();
        let names: Vec<&str> = row
            .metrics
            .iter()
            .map(|metric| metric.name.as_str())
            .collect();
        assert_eq!(names, ["MSE", "MAE", "PSNR", "SSIM", "active units"]);
        for (metric, expected) in row.metrics.iter().zip(expected(&ae, &data.train)) {
            let difference = (metric.value - expected).abs();
            assert!(
                difference < 1e-5 * expected.abs().max(1.0),
                "{metric:?}, expected {expected}"
            );
        }
    }
}

#[test]
fn metrics_change_no_weights_and_are_in_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let data = mnist_embedded().unwrap().take(100, 10);
    let run = |metrics: &[Metric], checkpoint| {
        let encoder = [Flatten, Linear(8), Relu, Dropout(0.5)];
        let mut ae = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
        let fit = Fit {
            checkpoint,
            ..fit(metrics)
        };
        ae.fit(&data, &fit).unwrap()
    };
    let history = run(&ALL, Some(path.clone()));
    assert_eq!(history.train_loss(), run(&[], None).train_loss());
    let (_, resumed) = Autoencoder::resume(&path, &data).unwrap();
    assert_eq!(resumed.epochs, history.epochs);
}

#[test]
fn metrics_that_the_data_do_not_have_are_rejected() {
    let small = photographs(8).unwrap().take(40, 10);
    let error = |data: &Dataset, metric| {
        let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)]).unwrap();
        ae.fit(data, &fit(&[metric])).unwrap_err().to_string()
    };
    assert_eq!(
        error(&small, Metric::Ssim),
        "Fit::metrics: expected for SSIM images of at least 11 x 11 pixels, its window, got 8 x 8. \
         Measure Metric::Mse or Metric::Mae"
    );
    let vectors = Tensor::zeros((40, 3), DType::F32, &Device::Cpu).unwrap();
    let train = Split::vectors(&vectors, None).unwrap();
    let data = Dataset::new("zeros", "zeros", train.clone(), train).unwrap();
    let mut ae = Autoencoder::symmetric((1, 1, 3), &[Linear(2)]).unwrap();
    let text = ae
        .fit(&data, &fit(&[Metric::Psnr]))
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("for PSNR images with values in [0, 1], got vectors of 3"),
        "{text}"
    );
}
