//! The rows: published numbers, with their sources and settings.

use crate::{Fallible, conv, dense};

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

pub(crate) const ROWS: [Row; 4] = [
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
        name: "fashion",
        settings: "Fashion-MNIST, 784-64-784, ReLU, sigmoid, MSE, Adam 1e-3, batch 32, 10 epochs",
        source: TENSORFLOW_TUTORIAL,
        numbers: &[
            Number::within("train MSE", 0.0088, 0.03),
            Number::within("test MSE", 0.0089, 0.03),
        ],
        train: dense::fashion,
    },
];
