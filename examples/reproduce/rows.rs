//! The rows: published numbers, with their sources and settings.

use crate::{Fallible, binary, conv, dense, discrete, variational, winners};

/// A published result and the training that reproduces it.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Network and training as published.
    pub(crate) settings: &'static str,
    pub(crate) source: &'static str,
    pub(crate) numbers: &'static [Number],
    /// Trains the network; returns one value for each of `numbers`.
    pub(crate) train: fn() -> Fallible<Vec<f64>>,
}

/// A published number, and the band that ours must lie in.
pub(crate) struct Number {
    pub(crate) name: &'static str,
    pub(crate) published: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Number {
    /// A number whose band is given.
    const fn between(name: &'static str, published: f64, low: f64, high: f64) -> Self {
        Number {
            name,
            published,
            low,
            high,
        }
    }

    /// A number with a band of this share on both sides.
    const fn within(name: &'static str, published: f64, share: f64) -> Self {
        let (low, high) = (published * (1.0 - share), published * (1.0 + share));
        Number::between(name, published, low, high)
    }
}

const KERAS_POST: &str = "F. Chollet, Building Autoencoders in Keras (2016), \
                          https://blog.keras.io/building-autoencoders-in-keras.html";
const KERAS_EXAMPLE: &str = "Keras, Convolutional autoencoder for image denoising, \
                             https://keras.io/examples/vision/autoencoder/";
const TENSORFLOW_TUTORIAL: &str = "TensorFlow, Intro to Autoencoders, \
                                   https://www.tensorflow.org/tutorials/generative/autoencoder";

const PYTORCH_EXAMPLE: &str = "PyTorch, Basic VAE example, \
                               https://github.com/pytorch/examples/tree/main/vae";
const KERAS_VAE: &str = "Keras, Variational AutoEncoder, https://keras.io/examples/generative/vae/";
const BINARY_VAE: &str = "J. Altosaar, Variational autoencoder, \
                          https://github.com/altosaar/variational-autoencoder";
const GUMBEL_SOFTMAX: &str = "E. Jang, Categorical VAE with Gumbel-softmax, \
                              https://github.com/ericjang/gumbel-softmax";
const KERAS_VQ_VAE: &str = "Keras, Vector-quantized variational autoencoders, \
                            https://keras.io/examples/generative/vq_vae/";
const WINNER_TAKE_ALL: &str = "A. Makhzani and B. Frey, Winner-take-all autoencoders (2015), as \
                               reproduced by https://github.com/guoguo12/tensorflow-fcwta";

pub(crate) const ROWS: [Row; 13] = [
    Row {
        name: "dense",
        settings: "MNIST, 784-32-784, ReLU, sigmoid, BCE, Adam 1e-3, batch 256, 50 epochs",
        source: KERAS_POST,
        numbers: &[Number::between("test BCE", 0.09, 0.085, 0.095)],
        train: dense::dense,
    },
    Row {
        name: "deep",
        settings: "MNIST, 784-128-64-32-64-128-784, ReLU, sigmoid, BCE, Adam 1e-3, batch 256, \
                   100 epochs",
        source: KERAS_POST,
        numbers: &[Number::between("test BCE", 0.08, 0.075, 0.085)],
        train: dense::deep,
    },
    Row {
        name: "sparse",
        settings: "MNIST, 784-32-784, ReLU, sigmoid, BCE, Adadelta, batch 256, 50 epochs, and 100 with \
                   L1 1e-4 on the code; test images",
        source: KERAS_POST,
        numbers: &[Number::between("code / plain", 0.456, 0.4, 0.6)],
        train: dense::sparse,
    },
    Row {
        name: "conv-16-8-8",
        settings: "MNIST, 3 x 3 convolutions of 16, 8 and 8 channels, each with max-pooling, to a \
                   code of 8 x 4 x 4, mirrored with nearest upsampling, BCE, Adam 1e-3, batch 128, \
                   50 epochs",
        source: KERAS_POST,
        numbers: &[Number::between("test BCE", 0.094, 0.088, 0.097)],
        train: conv::conv_16_8_8,
    },
    Row {
        name: "conv-32-32",
        settings: "MNIST, two 3 x 3 convolutions of 32 channels with max-pooling, two transposed \
                   convolutions of stride 2, 28,353 weights, BCE, Adam 1e-3, batch 128, 50 epochs",
        source: KERAS_EXAMPLE,
        numbers: &[
            Number::within("train BCE", 0.0626, 0.02),
            Number::within("test BCE", 0.0622, 0.02),
        ],
        train: conv::conv_32_32,
    },
    Row {
        name: "denoiser",
        settings: "the network of the row above, trained on with normal noise of 0.4, clipped, drawn \
                   anew in each step, 100 epochs",
        source: KERAS_EXAMPLE,
        numbers: &[
            Number::within("train BCE", 0.0839, 0.02),
            Number::within("test BCE", 0.0839, 0.02),
        ],
        train: conv::denoiser,
    },
    Row {
        name: "fashion",
        settings: "Fashion-MNIST, 784-64-784, ReLU, sigmoid, MSE, Adam 1e-3, batch 32, 10 epochs",
        source: TENSORFLOW_TUTORIAL,
        numbers: &[
            Number::within("train MSE", 0.0088, 0.03),
            Number::within("test MSE", 0.0089, 0.03),
        ],
        train: dense::fashion,
    },
    Row {
        name: "vae",
        settings: "MNIST, VAE 784-400-20, ReLU, sigmoid, summed BCE and KL, Adam 1e-3, batch 128, 10 \
                   epochs",
        source: PYTORCH_EXAMPLE,
        numbers: &[Number::between("test nats", 105.57, 104.9, 106.3)],
        train: variational::vae,
    },
    Row {
        name: "conv-vae",
        settings: "MNIST, all 70,000 images, VAE with a code of 2, convolutions of 32 and 64 channels \
                   with stride 2, a dense layer of 16, transposed convolutions of 64 and 32 channels, \
                   summed BCE and KL, Adam 1e-3, batch 128, 30 epochs; last epoch, median of three seeds",
        source: KERAS_VAE,
        numbers: &[
            Number::within("total", 146.95, 0.015),
            Number::within("reconstruction", 140.15, 0.015),
            Number::within("KL", 6.80, 0.015),
        ],
        train: variational::conv_vae,
    },
    Row {
        name: "binary-vae",
        settings: "MNIST binarized once at random, 50,000 to train on, VAE 784-256-256-128, ReLU, \
                   deviations by softplus, sampled divergence, RMSprop centered 1e-3, batch 128, until the \
                   bound of 10,000 others has not improved in 25,000 steps, at most 65,000",
        source: BINARY_VAE,
        numbers: &[
            Number::between("test ELBO", -103.31, -104.01, -102.61),
            Number::between("test log p", -97.10, -97.80, -96.40),
        ],
        train: binary::binary_vae,
    },
    Row {
        name: "categorical",
        settings: "MNIST, 55,000 images to train on, 784-512-256-300, ReLU, mirrored, a code of 30 variables \
                   with 10 classes, temperature exp(-3e-5 t) down to 0.5, BCE and KL, Adam 1e-3, times \
                   0.9 after each 1,000 steps, batch 100, 50,050 steps; mean of the nine epochs with the steps 5,001, \
                   10,001, .. 45,001",
        source: GUMBEL_SOFTMAX,
        numbers: &[Number::between("train ELBO", -102.0, -104.0, -100.0)],
        train: discrete::categorical,
    },
    Row {
        name: "vq-vae",
        settings: "MNIST in [-0.5, 0.5], convolutions of 32 and 64 channels with stride 2 to a code of \
                   16 x 7 x 7, 128 entries between -0.05 and 0.05, learned by the optimizer, commitment 0.25, mirrored, MSE over \
                   the variance, Adam 1e-3, batch 128, 30 epochs; last epoch",
        source: KERAS_VQ_VAE,
        numbers: &[Number::within("train MSE / variance", 0.0444, 0.1)],
        train: discrete::vq_vae,
    },
    Row {
        name: "winner-take-all",
        settings: "MNIST, 784-2000-784, ReLU, lifetime sparsity 5 %, weights from N(0, 0.01), not \
                   tied, MSE, Adam 1e-3, batch 100, 30,000 steps; linear classifier of the codes",
        source: WINNER_TAKE_ALL,
        numbers: &[Number::between("test accuracy", 0.9862, 0.982, 1.0)],
        train: winners::winner_take_all,
    },
];
