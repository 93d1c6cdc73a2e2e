//! The full data sets.

use crate::Fallible;
use candlebook::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// MNIST's 60,000 training and 10,000 test images.
///
/// # Errors
/// The set is absent. The 5,000 digits inside the crate give other numbers.
pub(crate) fn full_mnist() -> Fallible<Dataset> {
    full(mnist()?, "MNIST", "mnist")
}

/// MNIST's 70,000 images, all to train on.
///
/// # Errors
/// The set is absent.
pub(crate) fn all_mnist() -> Fallible<Dataset> {
    let data = full_mnist()?;
    let images = |split: &Split| split.images(&(0..split.len()).collect::<Vec<_>>());
    let joined = Tensor::cat(&[images(&data.train)?, images(&data.test)?], 0)?;
    let train = Split::from_tensor(&joined, None)?;
    Ok(Dataset::new(data.name, data.source, train, data.test)?)
}

/// MNIST with pixels of 0 and 1.
pub(crate) struct BinarizedMnist {
    /// 50,000 training and 10,000 test images.
    pub(crate) images: Dataset,
    /// The last 10,000 of MNIST's training images.
    pub(crate) validation: Split,
}

/// MNIST's images, binarized once: each pixel is 1 with its brightness as the probability
/// (Salakhutdinov and Murray, 2008). The random numbers have a fixed seed.
///
/// # Errors
/// The set is absent.
pub(crate) fn binarized_mnist() -> Fallible<BinarizedMnist> {
    let data = full_mnist()?;
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut binarized = |split: &Split, range: std::ops::Range<usize>| -> Fallible<Split> {
        let images = split.images(&range.collect::<Vec<_>>())?;
        let pixels: Vec<f32> = images.flatten_all()?.to_vec1()?;
        let draw = |pixel: f32| (rng.next_u32() as f32 / u32::MAX as f32) < pixel;
        let bytes = pixels.into_iter().map(draw).map(|on| u8::from(on) * 255);
        Ok(Split::from_bytes(bytes.collect(), (1, 28, 28), None)?)
    };
    let train = binarized(&data.train, 0..50_000)?;
    let validation = binarized(&data.train, 50_000..60_000)?;
    let test = binarized(&data.test, 0..10_000)?;
    let images = Dataset::new("binarized MNIST", data.source, train, test)?;
    Ok(BinarizedMnist { images, validation })
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
