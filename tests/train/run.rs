//! Training runs: learning, determinism, divergence.

use candlebook::prelude::*;
use candlebook::show::Show;

fn digits() -> Dataset {
    mnist_embedded().unwrap().take(600, 200)
}

fn model(hidden: usize) -> Autoencoder {
    Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(hidden), Relu, Dropout(0.1)]).unwrap()
}

fn quick() -> Fit {
    Fit {
        epochs: 6,
        batch_size: 20,
        learning_rate: 2e-3,
        ..Default::default()
    }
}

#[test]
fn training_reconstructs_unseen_digits() {
    let data = mnist_embedded().unwrap().take(2000, 200);
    let mut ae = model(48);
    let history = ae.fit(&data, &quick()).unwrap();
    let losses = history.valid_loss();
    assert_eq!(losses.len(), 6);
    assert!(
        losses.windows(2).all(|pair| pair[1] < pair[0]),
        "{losses:?}"
    );
    let test = data.test.first(200).unwrap();
    let mean = data.train.mean_image().unwrap();
    let baseline = test
        .broadcast_sub(&mean)
        .unwrap()
        .sqr()
        .unwrap()
        .mean_all()
        .unwrap()
        .to_scalar::<f32>()
        .unwrap();
    let error = ae.evaluate(&data.test).unwrap();
    // A model that learns nothing, or has wrong gradients, stays near the mean digit.
    assert!(error < baseline / 2.0, "{error}, mean digit {baseline}");
}

#[test]
fn sgd_lowers_the_validation_loss_in_every_epoch() {
    let data = mnist_embedded().unwrap().take(2000, 200);
    for (momentum, learning_rate) in [(0.0, 1.0), (0.9, 0.1)] {
        let mut ae = model(48);
        let fit = Fit {
            optimizer: Optim::sgd(momentum),
            learning_rate,
            ..quick()
        };
        let losses = ae.fit(&data, &fit).unwrap().valid_loss();
        assert!(
            losses.windows(2).all(|pair| pair[1] < pair[0]),
            "momentum {momentum}: {losses:?}"
        );
    }
}

#[test]
fn training_on_logits_equals_training_on_the_sigmoid() {
    let data = digits();
    let fit = Fit {
        loss: Loss::BinaryCrossEntropyWithLogits,
        ..quick()
    };
    let encoder = [Flatten, Linear(48), Relu];
    let logits = [Linear(784), Unflatten(1, 28, 28)];
    let mut ae = Autoencoder::new((1, 28, 28), &encoder, &logits).unwrap();
    let history = ae.fit(&data, &fit).unwrap();
    // A sigmoid after the same weights, with the cross-entropy of its output, trains the same up to
    // rounding.
    let mut other = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
    let expected = other
        .fit(
            &data,
            &Fit {
                loss: Loss::BinaryCrossEntropy,
                ..quick()
            },
        )
        .unwrap();
    for (a, b) in history.valid_loss().iter().zip(expected.valid_loss()) {
        assert!((a - b).abs() < 1e-3, "{a}, expected {b}");
    }
    let images = data.test.first(20).unwrap();
    let found = candle_nn::ops::sigmoid(&ae.reconstruct(&images).unwrap()).unwrap();
    let difference = (found - other.reconstruct(&images).unwrap()).unwrap();
    let largest = difference.abs().unwrap().max_all().unwrap();
    assert!(largest.to_scalar::<f32>().unwrap() < 0.05);
}

#[test]
fn a_seed_determines_the_losses() {
    let run = |seed| {
        model(16)
            .fit(
                &digits(),
                &Fit {
                    epochs: 2,
                    seed,
                    ..quick()
                },
            )
            .unwrap()
    };
    let (first, again, other) = (run(1), run(1), run(2));
    assert_eq!(first.train_loss(), again.train_loss());
    assert_eq!(first.valid_loss(), again.valid_loss());
    assert_ne!(first.train_loss(), other.train_loss());
}

#[test]
fn without_a_validation_split_all_images_are_trained_on() {
    let history = model(8)
        .fit(
            &digits(),
            &Fit {
                epochs: 1,
                validation_split: 0.0,
                batch_size: 600,
                ..quick()
            },
        )
        .unwrap();
    assert_eq!(
        (history.epochs[0].valid_loss, history.valid_loss().len()),
        (None, 0)
    );
    assert!(history.contents().unwrap()[0].get("image/png").is_some());
}

#[test]
fn divergence_ends_training_and_keeps_the_last_good_weights() {
    let data = digits();
    // Without a sigmoid at the end, a huge learning rate makes the loss overflow.
    let mut ae = Autoencoder::new(
        (1, 28, 28),
        &[Flatten, Linear(8)],
        &[Linear(784), Unflatten(1, 28, 28)],
    )
    .unwrap();
    let before = ae.evaluate(&data.test).unwrap();
    let error = ae
        .fit(
            &data,
            &Fit {
                learning_rate: 1e18,
                ..quick()
            },
        )
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("training diverged: expected a finite loss, got ")
            && error.contains("in epoch 1, batch ")
            && error.contains("Try a learning rate below 1000000000000000000"),
        "{error}"
    );
    assert_eq!(
        ae.evaluate(&data.test).unwrap(),
        before,
        "the weights before training are kept"
    );
}
