//! The full data sets.

use crate::Fallible;
use candlebook::prelude::*;

/// MNIST's 60,000 training and 10,000 test images.
///
/// # Errors
/// The set is absent. The 5,000 digits inside the crate give other numbers.
pub(crate) fn full_mnist() -> Fallible<Dataset> {
    full(mnist()?, "MNIST", "mnist")
}

/// Fashion-MNIST's 60,000 training and 10,000 test images.
///
/// # Errors
/// The set is absent.
pub(crate) fn full_fashion_mnist() -> Fallible<Dataset> {
    full(fashion_mnist()?, "Fashion-MNIST", "fashion-mnist")
}

fn full(data: Dataset, name: &str, folder: &str) -> Fallible<Dataset> {
    let images = (data.train.len(), data.test.len());
    if images == (60_000, 10_000) {
        return Ok(data);
    }
    Err(format!(
        "{name}: expected 60,000 training and 10,000 test images, got {} and {}. Set \
         CANDLEBOOK_DATA to a folder with the four files in {folder}/",
        images.0, images.1
    )
    .into())
}
