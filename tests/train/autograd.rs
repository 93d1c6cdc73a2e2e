//! Training on candle's autograd, with the planned step turned off.

use candlebook::prelude::*;

fn fit() -> Fit {
    Fit {
        epochs: 2,
        batch_size: 20,
        planned: false,
        ..Default::default()
    }
}

fn weights(ae: &Autoencoder) -> Vec<Vec<f32>> {
    let variables = ae.variables().into_iter();
    let values = variables.map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap());
    values.collect()
}

#[test]
fn it_lowers_the_loss_of_a_denoising_model() {
    let data = mnist_embedded().unwrap().take(400, 50);
    let encoder = [GaussianNoise(0.1), Flatten, Linear(32), Relu, Dropout(0.1)];
    let mut ae = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
    let before = ae.evaluate(&data.test).unwrap();
    ae.fit(&data, &fit()).unwrap();
    let after = ae.evaluate(&data.test).unwrap();
    assert!(after < before / 2.0, "{after}, before training {before}");
}

#[test]
fn divergence_keeps_the_last_good_weights() {
    let data = mnist_embedded().unwrap().take(200, 10);
    let decoder = [Linear(784), Unflatten(1, 28, 28)];
    let mut ae = Autoencoder::new((1, 28, 28), &[Flatten, Linear(8)], &decoder).unwrap();
    let before = weights(&ae);
    let fit = Fit {
        learning_rate: 1e18,
        ..fit()
    };
    let error = ae.fit(&data, &fit).unwrap_err().to_string();
    assert!(error.starts_with("training diverged"), "{error}");
    assert_eq!(weights(&ae), before);
}
