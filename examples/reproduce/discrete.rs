//! Autoencoders with discrete codes.

use crate::Fallible;
use crate::data::full_mnist;
use crate::losses::all;
use candlebook::optim::{Adam, Interval, Schedule};
use candlebook::prelude::*;

/// Values of an image: losses are means over them, the published bound is a sum.
const VALUES: f64 = 784.0;

/// Epochs with the steps 5,001, 10,001, .. 45,001, for which the published notebook prints a bound.
const PRINTED: [usize; 9] = [10, 19, 28, 37, 46, 55, 64, 73, 82];

/// Mean bound of the training images in the epochs that the notebook prints, with relaxed codes.
pub(crate) fn categorical() -> Fallible<Vec<f64>> {
    let data = full_mnist()?.take(55_000, 10_000);
    let hidden = [Linear(512), Relu, Linear(256), Relu];
    let code = [Linear(300), Gumbel(30, 10).anneal(3e-5, 0.5)];
    let encoder = [&[Flatten], &hidden[..], &code].concat();
    let mut ae = Autoencoder::symmetric(data.image_shape(), &encoder)?;
    let fit = Fit {
        epochs: 91,
        batch_size: 100,
        loss: Loss::BinaryCrossEntropy,
        schedule: Schedule::Step {
            every: Interval::Steps(1_000),
            factor: 0.9,
        },
        // The published loss is a sum over the values of an image, and ours is a mean.
        optimizer: Optim::Adam(Adam {
            eps: 1e-8 / VALUES,
            ..Default::default()
        }),
        ..all()
    };
    let history = ae.fit(&data, &fit)?;
    let losses = history.train_loss();
    let printed = PRINTED.iter().filter_map(|epoch| losses.get(epoch - 1));
    let sum: f64 = printed.map(|&loss| f64::from(loss)).sum();
    Ok(vec![-sum / PRINTED.len() as f64 * VALUES])
}

/// Mean squared error of the training images in the last epoch, as a share of their variance.
pub(crate) fn vq_vae() -> Fallible<Vec<f64>> {
    let (data, variance) = centered()?;
    let strided = |channels| Conv2d(channels, 3).stride(2).padding(1);
    let up = |channels| {
        let conv = ConvTranspose2d(channels, 3).stride(2).padding(1);
        conv.output_padding(1)
    };
    // Published are the error over the variance, and distances of the code that it does not divide.
    let codebook = VectorQuantize(128)
        .commitment(0.25 * variance)
        .learned_codebook();
    let encoder = [
        Flatten,
        Unflatten(1, 28, 28),
        strided(32),
        Relu,
        strided(64),
        Relu,
        Conv2d(16, 1),
        codebook,
    ];
    let last = ConvTranspose2d(1, 3).padding(1);
    let decoder = [up(64), Relu, up(32), Relu, last, Flatten];
    let mut ae = Autoencoder::new(data.image_shape(), &encoder, &decoder)?;
    // Published entries start between -0.05 and 0.05, and ours between -1/128 and 1/128, as PyTorch's.
    let mut parameters = ae.parameters().into_iter();
    let codebook = parameters.find(|parameter| parameter.dims() == [128, 16]);
    let codebook = codebook.ok_or("no codebook")?;
    codebook.set(&(codebook.as_tensor() * (0.05 * 128.0))?)?;
    let fit = Fit {
        epochs: 30,
        batch_size: 128,
        loss: Loss::Mse,
        ..all()
    };
    let history = ae.fit(&data, &fit)?;
    let epoch = history.epochs.last().ok_or("no epoch was trained")?;
    let terms: f32 = epoch.terms.iter().map(|term| term.train).sum();
    Ok(vec![f64::from(epoch.train_loss - terms) / variance])
}

/// MNIST as vectors in [-0.5, 0.5], and the variance of the training values.
fn centered() -> Fallible<(Dataset, f64)> {
    let data = full_mnist()?;
    let vectors = |split: &Split| -> Fallible<Tensor> {
        let images = split.images(&(0..split.len()).collect::<Vec<_>>())?;
        Ok((images.flatten_from(1)? - 0.5)?)
    };
    let train = vectors(&data.train)?;
    let mean = f64::from(train.mean_all()?.to_scalar::<f32>()?);
    let variance = (&train - mean)?.sqr()?.mean_all()?.to_scalar::<f32>()?;
    let [train, test] = [train, vectors(&data.test)?].map(|split| Split::vectors(&split, None));
    let data = Dataset::new(data.name, data.source, train?, test?)?;
    Ok((data, variance.into()))
}
