//! Recurrent autoencoders.

use candlebook::model::SequenceAutoencoder;
use candlebook::prelude::*;

fn mean_square(a: &Tensor, b: &Tensor) -> f32 {
    let errors = a.broadcast_sub(b).unwrap().sqr().unwrap();
    errors.mean_all().unwrap().to_scalar().unwrap()
}

#[test]
fn a_recurrent_model_beats_the_mean_image() {
    let data = mnist_embedded().unwrap().take(2000, 500);
    let settings = SequenceAutoencoder {
        units: 64,
        ..Default::default()
    };
    let mut ae = settings.build().unwrap();
    let fit = Fit {
        epochs: 5,
        batch_size: 25,
        learning_rate: 0.005,
        ..Default::default()
    };
    ae.fit(&data, &fit).unwrap();
    let images = data.test.first(500).unwrap();
    let found = mean_square(&ae.reconstruct(&images).unwrap(), &images);
    let of_mean = mean_square(&images, &data.train.mean_image().unwrap());
    assert!(found < 0.93 * of_mean, "{found}, mean image {of_mean}");
}
