//! Training: it learns, it repeats itself, it says what is wrong, it keeps what was good.

use candlebook::prelude::*;

fn digits() -> Dataset {
    mnist_embedded().unwrap().take(600, 200)
}

fn model(hidden: usize) -> Autoencoder {
    Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(hidden), Relu, Dropout(0.1)]).unwrap()
}

fn quick() -> Fit {
    Fit {
        epochs: 6,
        batch: 20,
        learning_rate: 2e-3,
        ..Default::default()
    }
}

#[test]
fn it_learns_digits_it_has_not_seen() {
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
    // A model that learns nothing, or whose gradients are wrong, stays near the mean digit.
    assert!(error < baseline / 2.0, "{error} against {baseline}");
}

#[test]
fn gradient_descent_learns_them_too() {
    let data = mnist_embedded().unwrap().take(2000, 200);
    for (momentum, learning_rate) in [(0.0, 1.0), (0.9, 0.1)] {
        let mut ae = model(48);
        let fit = Fit {
            optimizer: Optim::Sgd { momentum },
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
fn it_learns_to_draw_logits_and_refuses_a_second_sigmoid() {
    let data = digits();
    let fit = Fit {
        loss: Loss::BinaryCrossEntropyWithLogits,
        ..quick()
    };
    let error = model(8).fit(&data, &fit).unwrap_err().to_string();
    assert_eq!(
        error,
        "Fit::loss: expected for this loss a decoder that gives logits, got one that ends in Sigmoid. Build it by \
         Autoencoder::new with a decoder without that Sigmoid, or choose Loss::BinaryCrossEntropy"
    );
    let encoder = [Flatten, Linear(48), Relu];
    let logits = [Linear(784), Unflatten(1, 28, 28)];
    let mut ae = Autoencoder::new((1, 28, 28), &encoder, &logits).unwrap();
    let history = ae.fit(&data, &fit).unwrap();
    // A sigmoid after the same weights and the cross-entropy of what it draws: the same training, but for rounding.
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
    let drawn = candle_nn::ops::sigmoid(&ae.reconstruct(&images).unwrap()).unwrap();
    let apart = (drawn - other.reconstruct(&images).unwrap())
        .unwrap()
        .abs()
        .unwrap()
        .max_all()
        .unwrap();
    assert!(apart.to_scalar::<f32>().unwrap() < 0.05);
    let (loss, expected) = (
        ae.evaluate(&data.test).unwrap(),
        other.evaluate_with(&data.test, Loss::BinaryCrossEntropy).unwrap(),
    );
    assert!(
        (loss - expected).abs() < 1e-3,
        "{loss}, expected {expected}"
    );
}

#[test]
fn the_same_seed_gives_the_same_losses_and_another_seed_others() {
    let run = |seed| {
        model(16)
            .fit(
                &digits(),
                &Fit {
                    epochs: 2,
                    seed,
                    noise: 0.1,
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
fn no_validation_trains_on_everything() {
    let history = model(8)
        .fit(
            &digits(),
            &Fit {
                epochs: 1,
                validation: 0.0,
                batch: 600,
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
fn settings_outside_their_range_are_named_and_nothing_changes() {
    let data = digits();
    let mut ae = model(8);
    let before = ae.evaluate(&data.test).unwrap();
    let mut error = |fit: Fit| ae.fit(&data, &fit).unwrap_err().to_string();
    assert_eq!(
        error(Fit {
            batch: 541,
            ..Default::default()
        }),
        "Fit::batch: expected 1 to 540, the pictures left for training, got 541. Choose a smaller batch or more data"
    );
    assert!(
        error(Fit {
            batch: 0,
            ..quick()
        })
        .starts_with("Fit::batch: expected 1 to 540")
    );
    assert!(
        error(Fit {
            epochs: 0,
            ..quick()
        })
        .starts_with("Fit::epochs: expected at least 1, got 0")
    );
    assert!(
        error(Fit {
            learning_rate: f64::NAN,
            ..quick()
        })
        .starts_with("Fit::learning_rate: expected a positive number")
    );
    assert!(
        error(Fit {
            learning_rate: -1.0,
            ..quick()
        })
        .contains("got -1")
    );
    assert!(
        error(Fit {
            validation: 1.0,
            ..quick()
        })
        .starts_with("Fit::validation: expected a share in [0, 1), got 1")
    );
    assert_eq!(
        error(Fit {
            optimizer: Optim::Sgd { momentum: 1.0 },
            ..quick()
        }),
        "Fit::optimizer: expected a momentum in [0, 1), got 1. 0.9 is usual; 0 follows the gradient alone"
    );
    assert!(
        error(Fit {
            noise: -0.1,
            ..quick()
        })
        .starts_with("Fit::noise: expected zero or more, got -0.1")
    );
    assert_eq!(ae.evaluate(&data.test).unwrap(), before);
}

#[test]
fn pictures_of_another_shape_are_refused() {
    let mut ae = Autoencoder::symmetric((1, 14, 14), &[Flatten, Linear(8)]).unwrap();
    assert_eq!(
        ae.fit(&digits(), &quick()).unwrap_err().to_string(),
        "fit: expected pictures of shape (1, 14, 14), as the model was built for, got (1, 28, 28). Build the model with \
         data.image_shape()"
    );
}

#[test]
fn a_loss_that_is_not_finite_ends_training_with_the_last_good_weights() {
    let data = digits();
    // No sigmoid at the end: a huge learning rate makes it run away.
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
