//! Training on all images, and the losses that Keras prints.

use crate::Fallible;
use candlebook::prelude::*;

/// All training images, without a validation split.
pub(crate) fn all() -> Fit {
    Fit {
        validation_split: 0.0,
        ..Default::default()
    }
}

/// Training loss of the last epoch, as Keras prints it, and test loss.
pub(crate) fn losses(ae: &Autoencoder, history: &History, data: &Dataset) -> Fallible<[f64; 2]> {
    let train = history.train_loss().pop().ok_or("no epoch was trained")?;
    Ok([train.into(), ae.evaluate(&data.test)?.into()])
}
