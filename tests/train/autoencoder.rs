//! `fit`, `resume` and `evaluate` of an autoencoder.

use candlebook::device::best_device;
use candlebook::prelude::*;

fn digits() -> Dataset {
    mnist_embedded().unwrap().take(200, 50)
}

fn fit() -> Fit {
    Fit {
        epochs: 1,
        batch_size: 20,
        ..Default::default()
    }
}

fn model() -> Autoencoder {
    Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)]).unwrap()
}

#[test]
fn images_of_another_shape_are_rejected() {
    let mut ae = Autoencoder::symmetric((1, 14, 14), &[Flatten, Linear(8)]).unwrap();
    assert_eq!(
        ae.fit(&digits(), &fit()).unwrap_err().to_string(),
        "fit: expected images of the model's shape (1, 14, 14), got (1, 28, 28). Build the model with \
         data.image_shape()"
    );
}

#[test]
fn a_sigmoid_before_a_loss_of_logits_is_rejected() {
    let fit = Fit {
        loss: Loss::BinaryCrossEntropyWithLogits,
        ..fit()
    };
    assert_eq!(
        model().fit(&digits(), &fit).unwrap_err().to_string(),
        "Fit::loss: expected a decoder that outputs logits, which have no bounds, got one whose \
         output has values in [0, 1]. Build it with Autoencoder::new without an activation at the \
         end, or choose Loss::BinaryCrossEntropy"
    );
}

#[test]
fn evaluate_reports_the_trained_loss() {
    let data = digits();
    let mut ae = model();
    let evaluate = |ae: &Autoencoder, loss| ae.evaluate_with(&data.test, loss).unwrap();
    assert_eq!(ae.evaluate(&data.test).unwrap(), evaluate(&ae, Loss::Mse));
    let fit = Fit {
        loss: Loss::BinaryCrossEntropy,
        ..fit()
    };
    ae.fit(&data, &fit).unwrap();
    let expected = evaluate(&ae, Loss::BinaryCrossEntropy);
    assert_eq!(ae.evaluate(&data.test).unwrap(), expected);
    assert_ne!(expected, evaluate(&ae, Loss::Mse));
    assert_eq!(ae.copy().unwrap().evaluate(&data.test).unwrap(), expected);
}

#[test]
fn rejected_settings_leave_the_model_unchanged() {
    let data = digits();
    let mut ae = model();
    let before = ae.evaluate(&data.test).unwrap();
    let fit = Fit {
        epochs: 0,
        loss: Loss::BinaryCrossEntropy,
        ..fit()
    };
    ae.fit(&data, &fit).unwrap_err();
    assert_eq!(ae.evaluate(&data.test).unwrap(), before);
}

#[test]
fn a_run_resumes_on_another_device() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let data = digits();
    let fit = Fit {
        epochs: 2,
        loss: Loss::BinaryCrossEntropy,
        checkpoint: Some(path.clone()),
        ..fit()
    };
    let mut ae = model();
    let expected = ae.fit(&data, &fit).unwrap();
    let device = best_device();
    let resume = Resume {
        device: device.clone(),
        ..Default::default()
    };
    let (resumed, history) = Autoencoder::resume_with(&path, &data, &resume).unwrap();
    assert!(resumed.device().same_device(&device));
    assert_eq!(history, expected);
    let loss = resumed.evaluate(&data.test).unwrap();
    assert!((loss - ae.evaluate(&data.test).unwrap()).abs() < 1e-5);
}

#[test]
fn an_unfinished_run_resumes_on_another_device() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let data = digits();
    let run = |epochs| Fit {
        epochs,
        checkpoint: Some(path.clone()),
        ..fit()
    };
    let expected = model().fit(&data, &run(3)).unwrap();
    model().fit(&data, &run(1)).unwrap();
    let resume = Resume {
        epochs: Some(3),
        device: best_device(),
        ..Default::default()
    };
    let (_, history) = Autoencoder::resume_with(&path, &data, &resume).unwrap();
    assert_eq!(history.epochs.len(), 3);
    for (a, b) in history.train_loss().iter().zip(expected.train_loss()) {
        assert!((a - b).abs() < 1e-4 * b, "{a}, expected {b}");
    }
}
