//! A variational autoencoder of binarized MNIST.

use crate::Fallible;
use crate::data::binarized_mnist;
use candlebook::optim::RmsProp;
use candlebook::prelude::*;
use candlebook::train::Resume;

/// Epochs between two looks at the validation images: about 5,000 steps.
const EPOCHS: usize = 13;
/// Looks in about 65,000 steps, as in the published run.
const LOOKS: usize = 13;
/// Looks without a better bound after which training ends.
const PATIENCE: usize = 5;

/// Bounds of the test images, by the network with the best bound of the validation images.
pub(crate) fn binary_vae() -> Fallible<Vec<f64>> {
    let data = binarized_mnist()?;
    let hidden = [Linear(256), Relu, Linear(256), Relu];
    let gaussian = Gaussian(1.0).softplus_deviation().sampled_divergence();
    let encoder = [&[Flatten], &hidden[..], &[Linear(256), gaussian]].concat();
    let init = Init {
        weights: Weights::PyTorch,
        ..Default::default()
    };
    let start = Autoencoder::symmetric_with(data.images.image_shape(), &encoder, &init)?;
    let best = with_best_bound(start, &data.images, &data.validation)?;
    let bounds = best.elbo(&data.images.test, 128)?;
    Ok(vec![bounds.elbo, bounds.log_likelihood])
}

/// Trains until the bound of the validation images has not improved for some time.
fn with_best_bound(
    mut vae: Autoencoder,
    data: &Dataset,
    validation: &Split,
) -> Fallible<Autoencoder> {
    let checkpoint = std::env::temp_dir().join(format!("binary-vae-{}", std::process::id()));
    let fit = Fit {
        epochs: EPOCHS,
        batch_size: 128,
        loss: Loss::BinaryCrossEntropy,
        optimizer: Optim::RmsProp(RmsProp {
            centered: true,
            // The published loss is a sum over the values of a batch, and ours is a mean.
            eps: 1e-8 / (128.0 * 784.0),
            ..Default::default()
        }),
        validation_split: 0.0,
        checkpoint: Some(checkpoint.clone()),
        ..Default::default()
    };
    vae.fit(data, &fit)?;
    let (mut best, mut bound, mut worse) = (vae.copy()?, f64::NEG_INFINITY, 0);
    for look in 1.. {
        let elbo = vae.elbo(validation, 1)?.elbo;
        println!("after {} epochs: validation bound {elbo:.2}", look * EPOCHS);
        if elbo > bound {
            (best, bound, worse) = (vae.copy()?, elbo, 0);
        } else {
            worse += 1;
        }
        if worse == PATIENCE || look == LOOKS {
            break;
        }
        let more = Resume {
            epochs: Some((look + 1) * EPOCHS),
            ..Default::default()
        };
        vae = Autoencoder::resume_with(&checkpoint, data, &more)?.0;
    }
    std::fs::remove_file(checkpoint)?;
    Ok(best)
}
