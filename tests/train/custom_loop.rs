//! Custom training loops: they learn, or say why not.

use candle_nn::Optimizer as _;
use candlebook::prelude::*;

fn data() -> Dataset {
    mnist_embedded().unwrap().take(1000, 200)
}

fn model(data: &Dataset) -> Autoencoder {
    let encoder = [Flatten, Linear(32), Relu, Dropout(0.1)];
    Autoencoder::symmetric(data.image_shape(), &encoder).unwrap()
}

/// The loss on the test images after an epoch in which `step` sees every batch.
fn epoch(data: &Dataset, ae: &Autoencoder, seed: u64, mut step: impl FnMut(&Tensor)) -> f32 {
    for batch in data.train.batches(20, seed).unwrap() {
        step(&batch.unwrap().0);
    }
    ae.evaluate(&data.test).unwrap()
}

#[test]
fn a_loop_with_forward_learns_as_fit_does() {
    let data = data();
    let mut reference = model(&data);
    let fit = Fit {
        epochs: 2,
        batch_size: 20,
        validation_split: 0.0,
        ..Default::default()
    };
    reference.fit(&data, &fit).unwrap();
    let expected = reference.evaluate(&data.test).unwrap();
    let ae = model(&data);
    let untrained = ae.evaluate(&data.test).unwrap();
    let mut optimizer = Optimizer::new(ae.parameters(), &Optim::adam(), Rates::default()).unwrap();
    let step = |images: &Tensor, optimizer: &mut Optimizer| {
        let loss = Loss::Mse
            .of(&ae.forward(images, true).unwrap(), images)
            .unwrap();
        optimizer.backward_step(&loss).unwrap();
    };
    let losses = [0, 1].map(|seed| epoch(&data, &ae, seed, |images| step(images, &mut optimizer)));
    assert!(
        losses[0] < 0.5 * untrained && losses[1] < 0.95 * losses[0],
        "{untrained} {losses:?}"
    );
    // Another order of the batches.
    assert!(
        (losses[1] / expected - 1.0).abs() < 0.1,
        "{losses:?}, fit {expected}"
    );
}

#[test]
fn candles_optimizers_train_the_model() {
    let data = data();
    let ae = model(&data);
    let untrained = ae.evaluate(&data.test).unwrap();
    let mut adam = candle_nn::AdamW::new_lr(ae.parameters(), 1e-3).unwrap();
    let trained = epoch(&data, &ae, 0, |images| {
        let loss = Loss::BinaryCrossEntropy.of(&ae.forward(images, true).unwrap(), images);
        adam.backward_step(&loss.unwrap()).unwrap();
    });
    assert!(trained < 0.5 * untrained, "{untrained}, {trained}");
}

#[test]
fn a_loop_that_would_learn_nothing_is_an_error() {
    let data = data();
    let ae = model(&data);
    let images = data.train.first(20).unwrap();
    let mut optimizer = Optimizer::new(ae.parameters(), &Optim::adam(), Rates::default()).unwrap();
    let mut adam = candle_nn::AdamW::new_lr(ae.parameters(), 1e-3).unwrap();
    // A result of inference.
    let loss = Loss::Mse
        .of(&ae.reconstruct(&images).unwrap(), &images)
        .unwrap();
    let expected = "encode, decode and reconstruct have no gradients. To train, call \
                    ae.forward(&images, true)?; to use a result as a constant, call .detach() on it";
    let error = optimizer.backward_step(&loss).unwrap_err().to_string();
    assert_eq!(error, format!("candle: {expected}"));
    let error = adam.backward_step(&loss).unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}");
    // The loss of another model.
    let loss = Loss::Mse
        .of(&model(&data).forward(&images, true).unwrap(), &images)
        .unwrap();
    assert_eq!(
        optimizer.backward_step(&loss).unwrap_err().to_string(),
        "Optimizer::step: expected a gradient of at least one of 4 variables, got none. Compute the \
         loss from these variables, e.g. from ae.forward(&images, true)?; .detach() and copies of \
         the model cut it off from them"
    );
    // A constant.
    let output = ae.forward(&images, true).unwrap().detach();
    let loss = Loss::Mse.of(&output, &images).unwrap();
    let error = optimizer.backward_step(&loss).unwrap_err().to_string();
    assert!(error.contains("got none"), "{error}");
}
