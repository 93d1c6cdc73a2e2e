//! The winner-take-all autoencoder.

use crate::Fallible;
use crate::data::full_mnist;
use crate::losses::all;
use candlebook::prelude::*;

/// Test accuracy of a linear classifier of the codes.
pub(crate) fn winner_take_all() -> Fallible<Vec<f64>> {
    let data = full_mnist()?;
    let encoder = [Flatten, Linear(2000), Relu, WinnerTakeAll(0.05)];
    let decoder = [Linear(784), Unflatten(1, 28, 28)];
    let init = Init {
        weights: Weights::Normal(0.01),
        ..Default::default()
    };
    let mut ae = Autoencoder::new_with(data.image_shape(), &encoder, &decoder, &init)?;
    let fit = Fit {
        epochs: 50, // 30,000 steps
        batch_size: 100,
        loss: Loss::Mse,
        ..all()
    };
    ae.fit(&data, &fit)?;
    let probe = ae.linear_probe(&data)?;
    println!("{probe:?}");
    Ok(vec![probe.accuracy])
}
