//! `SequenceAutoencoder`: it learns.

use candlebook::model::SequenceAutoencoder;
use candlebook::prelude::*;

#[test]
fn rows_are_written_better_than_those_of_the_mean_image() {
    let data = mnist_embedded().unwrap();
    let settings = SequenceAutoencoder {
        units: 48,
        ..Default::default()
    };
    let mut ae = settings.build().unwrap();
    let fit = Fit {
        epochs: 6,
        batch_size: 50,
        learning_rate: 0.005,
        ..Default::default()
    };
    ae.fit(&data, &fit).unwrap();
    let images = data.test.first(500).unwrap();
    let mean = data.train.mean_image().unwrap();
    let errors = images.broadcast_sub(&mean).unwrap().sqr().unwrap();
    let mean = errors.mean_all().unwrap().to_scalar::<f32>().unwrap();
    let loss = ae.evaluate(&data.test.take(500)).unwrap();
    assert!(loss < 0.8 * mean, "{loss}, the mean image {mean}");
}
