//! Variational autoencoders.

use crate::Fallible;
use crate::data::{all_mnist, full_mnist};
use crate::losses::all;
use candlebook::optim::Adam;
use candlebook::prelude::*;

/// Values of an image: losses are means over them, published numbers are sums.
const VALUES: f64 = 784.0;

fn settings(epochs: usize) -> Fit {
    Fit {
        epochs,
        batch_size: 128,
        loss: Loss::BinaryCrossEntropy,
        ..all()
    }
}

/// Cross-entropy and divergence of the test images.
pub(crate) fn vae() -> Fallible<Vec<f64>> {
    let data = full_mnist()?;
    let encoder = [Flatten, Linear(400), Relu, Linear(40), Gaussian(1.0)];
    let mut vae = Autoencoder::symmetric(data.image_shape(), &encoder)?;
    vae.fit(&data, &settings(10))?;
    Ok(vec![-vae.elbo(&data.test, 1)?.elbo])
}

/// Losses of the last epoch, as Keras prints them: of three seeds, those of the run with the median total.
/// Some first weights keep one of the two code units unused for many epochs.
pub(crate) fn conv_vae() -> Fallible<Vec<f64>> {
    let data = all_mnist()?;
    let mut runs = Vec::new();
    for seed in 0..3 {
        let losses = conv_vae_of(&data, seed)?;
        println!("seed {seed}: total, reconstruction, KL {losses:.2?}");
        runs.push(losses);
    }
    runs.sort_by(|a, b| a[0].total_cmp(&b[0]));
    Ok(runs[1].to_vec())
}

fn conv_vae_of(data: &Dataset, seed: u64) -> Fallible<[f64; 3]> {
    let strided = |channels| Conv2d(channels, 3).stride(2).padding(1);
    let up = |channels| {
        let conv = ConvTranspose2d(channels, 3).stride(2).padding(1);
        conv.output_padding(1)
    };
    let encoder = [strided(32), Relu, strided(64), Relu, Flatten];
    let code = [Linear(16), Relu, Linear(4), Gaussian(1.0)];
    let images = [Linear(7 * 7 * 64), Relu, Unflatten(64, 7, 7)];
    let last = ConvTranspose2d(1, 3).padding(1);
    let decoder = [up(64), Relu, up(32), Relu, last, Sigmoid];
    let (encoder, decoder) = (
        [&encoder[..], &code].concat(),
        [&images[..], &decoder].concat(),
    );
    let init = Init {
        seed,
        ..Default::default()
    };
    let mut vae = Autoencoder::new_with(data.image_shape(), &encoder, &decoder, &init)?;
    let fit = Fit {
        seed,
        // Adam's eps of Keras is 1e-7. The published loss is a sum over the values of an image.
        optimizer: Optim::Adam(Adam {
            eps: 1e-7 / VALUES,
            ..Default::default()
        }),
        ..settings(30)
    };
    let history = vae.fit(data, &fit)?;
    let epoch = history.epochs.last().ok_or("no epoch was trained")?;
    let divergence = epoch.terms.first().ok_or("no divergence")?.train;
    let [total, divergence] = [epoch.train_loss, divergence].map(|loss| f64::from(loss) * VALUES);
    Ok([total, total - divergence, divergence])
}
