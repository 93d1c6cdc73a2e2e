//! The report: which measures apply, and their numbers.

use super::common::{data, model};
use candlebook::prelude::*;
use candlebook::show::Show;

#[test]
fn a_report_has_the_numbers_of_the_single_measures() {
    let data = data(true);
    let ae = model(&data);
    let report = ae.report(&data).unwrap();
    assert_eq!(
        report.loss,
        (
            "mean squared error".into(),
            ae.evaluate(&data.test).unwrap()
        )
    );
    assert!((report.mse - f64::from(report.loss.1)).abs() < 1e-6);
    assert_eq!(report.psnr, Some(ae.psnr(&data.test).unwrap()));
    assert_eq!(report.ssim, Some(ae.ssim(&data.test).unwrap()));
    assert_eq!(report.active_units, ae.active_units(&data.test).unwrap());
    assert_eq!(report.linear_probe, Some(ae.linear_probe(&data).unwrap()));
    assert_eq!(
        report.knn_accuracy,
        Some(ae.knn_accuracy(&data, 5).unwrap())
    );
    let gap = ae.mutual_information_gap(&data.test).unwrap();
    assert_eq!(report.mutual_information_gap, Some(gap));
    assert_eq!(
        (report.sizes, report.majority_accuracy),
        ((144, 6), Some(0.5))
    );
    let contents = report.contents().unwrap();
    assert!(contents[0].get("text/html").unwrap().contains("<td"));
    assert!(contents[0].get("text/plain").unwrap().contains("SSIM"));
}

#[test]
fn measures_that_do_not_apply_are_left_out() {
    let data = data(false);
    let report = model(&data).report(&data).unwrap();
    assert_eq!((report.linear_probe, report.knn_accuracy), (None, None));
    assert!(!report.table().to_text().contains("linear probe"));
    let values: Vec<f32> = (0..60).map(|i| (i as f32).sin() * 9.0).collect();
    let vectors = Tensor::from_vec(values, (20, 3), &Device::Cpu).unwrap();
    let split = Split::vectors(&vectors, None).unwrap();
    let vectors = Dataset::new("waves", "a formula", split.clone(), split).unwrap();
    let ae = Autoencoder::symmetric((1, 1, 3), &[Flatten, Linear(1)]).unwrap();
    let report = ae.report(&vectors).unwrap();
    assert_eq!((report.psnr, report.ssim), (None, None));
    assert!(report.explained_variance.unwrap() < 1.0);
}

#[test]
fn training_raises_the_explained_variance_above_that_of_the_mean_image() {
    let data = data(true);
    let mut ae = model(&data);
    let fit = Fit {
        epochs: 60,
        batch_size: 8,
        learning_rate: 1e-2,
        loss: Loss::BinaryCrossEntropy,
        ..Default::default()
    };
    ae.fit(&data, &fit).unwrap();
    let report = ae.report(&data).unwrap();
    assert!(report.explained_variance.unwrap() > 0.3, "{report:?}");
    assert_eq!(report.loss.0, "binary cross-entropy");
}
