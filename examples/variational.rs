//! A variational autoencoder on MNIST, with the layers and settings of PyTorch's example `vae`:
//! 784-400-20, Adam, batches of 128, 10 epochs. Prints the bounds of the test images in nats.
//!
//! `cargo run --release --example variational`

use candlebook::prelude::*;

fn main() -> Result<(), Error> {
    let data = mnist()?;
    let encoder = [Flatten, Linear(400), Relu, Linear(40), Gaussian(1.0)];
    let mut vae = Autoencoder::symmetric(data.image_shape(), &encoder)?;
    let fit = Fit {
        epochs: 10,
        loss: Loss::BinaryCrossEntropy,
        validation_split: 0.0,
        ..Default::default()
    };
    vae.fit(&data, &fit)?;
    let bounds = vae.elbo(&data.test, 1)?;
    println!("evidence lower bound   {:.2} nats", bounds.elbo);
    println!("cross-entropy          {:.2} nats", bounds.reconstruction);
    println!("divergence             {:.2} nats", bounds.divergence);
    vae.samples(100, 0)?.columns(20).save("samples.png")
}
