//! The networks of the benchmark.

use crate::Fallible;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Device, Tensor};

/// Network of one model, whose input and output are rows of 784 values.
#[derive(Module, Debug)]
pub(crate) enum Network {
    Dense(Dense),
    Strided(Strided),
}

impl Network {
    /// The network of this name, with Burn's initial weights, which are PyTorch's.
    ///
    /// # Errors
    /// If Burn's side does not have the model.
    pub(crate) fn new(model: &str, device: &Device) -> Fallible<Network> {
        // Layer sizes and dropout.
        let (widths, dropout): (&[usize], f64) = match model {
            "m1" => (&[784, 128, 784], 0.2),
            "m2" => (&[784, 512, 128, 32, 128, 512, 784], 0.0),
            "small" => (&[784, 32, 784], 0.0),
            "wide" => (&[784, 4096, 784], 0.0),
            "m4" => return Ok(Network::Strided(Strided::new(device))),
            other => {
                return Err(format!("expected m1, m2, m4, small or wide, got {other}").into());
            }
        };
        let linear = |pair: &[usize]| LinearConfig::new(pair[0], pair[1]).init(device);
        Ok(Network::Dense(Dense {
            layers: widths.windows(2).map(linear).collect(),
            dropout: DropoutConfig::new(dropout).init(),
        }))
    }

    /// # Shapes
    /// `(b, 784)` to `(b, 784)`.
    pub(crate) fn forward(&self, xs: Tensor<2>) -> Tensor<2> {
        match self {
            Network::Dense(network) => network.forward(xs),
            Network::Strided(network) => network.forward(xs),
        }
    }
}

/// Linear layers with a ReLU after each but the last.
#[derive(Module, Debug)]
pub(crate) struct Dense {
    layers: Vec<Linear>,
    dropout: Dropout,
}

impl Dense {
    fn forward(&self, mut xs: Tensor<2>) -> Tensor<2> {
        for (i, layer) in self.layers.iter().enumerate() {
            xs = layer.forward(xs);
            if i + 1 < self.layers.len() {
                xs = self.dropout.forward(relu(xs));
            }
        }
        sigmoid(xs)
    }
}

/// Strided and transposed convolutions around a code of 32 values.
#[derive(Module, Debug)]
pub(crate) struct Strided {
    halves: [Conv2d; 2],
    code: [Linear; 2],
    doubles: [ConvTranspose2d; 2],
}

impl Strided {
    fn new(device: &Device) -> Strided {
        let half = |channels| {
            Conv2dConfig::new(channels, [3, 3])
                .with_stride([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(device)
        };
        let double = |channels| {
            ConvTranspose2dConfig::new(channels, [3, 3])
                .with_stride([2, 2])
                .with_padding([1, 1])
                .with_padding_out([1, 1])
                .init(device)
        };
        Strided {
            halves: [half([1, 16]), half([16, 32])],
            code: [(32 * 49, 32), (32, 32 * 49)].map(|(a, b)| LinearConfig::new(a, b).init(device)),
            doubles: [double([32, 16]), double([16, 1])],
        }
    }

    fn forward(&self, xs: Tensor<2>) -> Tensor<2> {
        let mut xs = xs.reshape([-1, 1, 28, 28]); // (b, 784) -> (b, 1, 28, 28)
        for half in &self.halves {
            xs = relu(half.forward(xs));
        }
        let [encode, decode] = &self.code;
        let code = encode.forward(xs.flatten::<2>(1, 3)); // (b, 32, 7, 7) -> (b, 32*7*7)
        let xs = relu(decode.forward(code)).reshape([-1, 32, 7, 7]); // (b, 32*7*7) -> (b, 32, 7, 7)
        let [first, second] = &self.doubles;
        sigmoid(second.forward(relu(first.forward(xs)))).flatten(1, 3) // (b, 1, 28, 28) -> (b, 784)
    }
}
