//! Dense networks.

use crate::Fallible;
use crate::data::{full_fashion_mnist, full_mnist};
use crate::losses::{all, losses};
use candlebook::optim::Adadelta;
use candlebook::prelude::*;

/// A network with these layers and their mirror, trained on MNIST.
fn trained(data: &Dataset, encoder: &[Layer], fit: &Fit) -> Fallible<Autoencoder> {
    let mut ae = Autoencoder::symmetric(data.image_shape(), encoder)?;
    ae.fit(data, fit)?;
    Ok(ae)
}

/// Test loss on MNIST of a network with these layers and their mirror.
fn mnist_bce(encoder: &[Layer], epochs: usize) -> Fallible<Vec<f64>> {
    let data = full_mnist()?;
    let fit = Fit {
        epochs,
        batch_size: 256,
        loss: Loss::BinaryCrossEntropy,
        ..all()
    };
    let ae = trained(&data, encoder, &fit)?;
    Ok(vec![ae.evaluate(&data.test)?.into()])
}

pub(crate) fn dense() -> Fallible<Vec<f64>> {
    mnist_bce(&[Flatten, Linear(32), Relu], 50)
}

/// Mean code of the sparse network, as a share of that of the same network without the penalty.
///
/// The post's numbers are from its first version, which used Adadelta. Adam makes the code of the
/// sparse network far smaller, at a lower loss.
pub(crate) fn sparse() -> Fallible<Vec<f64>> {
    let data = full_mnist()?;
    let mean_code = |encoder: &[Layer], epochs| -> Fallible<f64> {
        let fit = Fit {
            epochs,
            batch_size: 256,
            loss: Loss::BinaryCrossEntropy,
            learning_rate: 1.0,
            // Keras' settings of that time.
            optimizer: Optim::Adadelta(Adadelta {
                rho: 0.95,
                eps: 1e-8,
            }),
            ..all()
        };
        let codes = trained(&data, encoder, &fit)?.codes(&data.test)?;
        Ok(codes.mean_all()?.to_scalar::<f32>()?.into())
    };
    let plain = mean_code(&[Flatten, Linear(32), Relu], 50)?;
    let sparse = mean_code(&[Flatten, Linear(32), Relu, L1(1e-4)], 100)?;
    println!("mean code {sparse:.3}, without the penalty {plain:.3}");
    Ok(vec![sparse / plain])
}

pub(crate) fn deep() -> Fallible<Vec<f64>> {
    let encoder = [
        Flatten,
        Linear(128),
        Relu,
        Linear(64),
        Relu,
        Linear(32),
        Relu,
    ];
    mnist_bce(&encoder, 100)
}

pub(crate) fn fashion() -> Fallible<Vec<f64>> {
    let data = full_fashion_mnist()?;
    let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(64), Relu])?;
    let fit = Fit {
        epochs: 10,
        batch_size: 32,
        loss: Loss::Mse,
        ..all()
    };
    let history = ae.fit(&data, &fit)?;
    Ok(losses(&ae, &history, &data)?.to_vec())
}
