//! The `Layer` enum: layers as plain data.
//!
//! A layer states only what cannot be inferred. Shapes flow through the list, so changing one
//! number is enough, and a layer that does not fit is reported by name before training.

use crate::layer::activation::ActivationFn;
use crate::layer::avg_pool::AvgPool2d;
use crate::layer::batch_norm::BatchNorm;
use crate::layer::conv::ConvSettings;
use crate::layer::conv_transpose::ConvTransposeSettings;
use crate::layer::dropout::Dropout;
use crate::layer::gelu::Gelu;
use crate::layer::kind::LayerKind;
use crate::layer::linear::Linear;
use crate::layer::max_pool::{MaxPool2d, MaxUnpool2d};
use crate::layer::reshape::{Flatten, Unflatten};
use crate::layer::residual::Residual;
use crate::layer::unsupported::UnsupportedSetting;
use crate::layer::upsample::Upsample;
use serde::{Deserialize, Serialize};

/// One layer of an encoder or decoder. Weights files name and number layers as PyTorch's
/// `nn.Sequential` does.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let encoder = [Conv2d(12, 3).padding(1), Relu, MaxPool2d(2), Flatten, Linear(32)];
/// let ae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
/// assert_eq!(ae.code_shape(), [32]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Layer {
    /// Flattens each image: (b, c, h, w) -> (b, c*h*w). PyTorch: `nn.Flatten()`.
    Flatten,
    /// Reshapes features to images of c channels, height h and width w: (b, c*h*w) -> (b, c, h, w).
    /// PyTorch: `nn.Unflatten(1, (c, h, w))`.
    Unflatten(usize, usize, usize),
    /// Dense layer y = x Wᵀ + b with `out` outputs: (b, in) -> (b, out).
    /// PyTorch: `nn.Linear(in, out)`.
    Linear(usize),
    /// 2-d convolution, written [`Conv2d(out_channels, kernel_size)`](crate::layer::Conv2d()):
    /// (b, c, h, w) -> (b, out, h', w') with
    /// h' = (h + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1.
    /// PyTorch: `nn.Conv2d`.
    Conv2d(ConvSettings),
    /// 2-d transposed convolution for decoders, written
    /// [`ConvTranspose2d(out_channels, kernel_size)`](crate::layer::ConvTranspose2d()):
    /// (b, c, h, w) -> (b, out, h', w') with
    /// h' = (h - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1.
    /// PyTorch: `nn.ConvTranspose2d`.
    ConvTranspose2d(ConvTransposeSettings),
    /// Maximum of each n x n window, without overlap: (b, c, h, w) -> (b, c, h/n, w/n). The
    /// positions are kept for the paired [`Layer::MaxUnpool2d`].
    /// PyTorch: `nn.MaxPool2d(n, return_indices=True)`.
    #[serde(rename = "MaxPool")]
    MaxPool2d(usize),
    /// Writes each value to the position of the paired [`Layer::MaxPool2d`]'s maximum, and zeros
    /// elsewhere: (b, c, h, w) -> (b, c, n h, n w). Pairs nest: the first unpooling undoes the last
    /// pooling. Without a pooling, as when decoding codes alone, values go to the top left of
    /// their windows. PyTorch: `nn.MaxUnpool2d(n)`.
    #[serde(rename = "MaxUnpool")]
    MaxUnpool2d(usize),
    /// Mean of each n x n window, without overlap: (b, c, h, w) -> (b, c, h/n, w/n).
    /// PyTorch: `nn.AvgPool2d(n)`.
    #[serde(rename = "AvgPool")]
    AvgPool2d(usize),
    /// Repeats every value n x n times: (b, c, h, w) -> (b, c, n h, n w).
    /// PyTorch: `nn.Upsample(scale_factor=n)`, mode "nearest".
    Upsample(usize),
    /// Batch normalization (Ioffe and Szegedy, 2015), of the channels of images (b, c, h, w) as
    /// well as of features (b, n). Training uses the batch's mean and variance, evaluation the
    /// running ones. PyTorch: `nn.BatchNorm2d(c)` or `nn.BatchNorm1d(n)`, with eps 1e-5 and
    /// momentum 0.1.
    BatchNorm,
    /// Residual block: y = x + layers(x) (He and others, "Deep residual learning", 2016). The
    /// layers must keep the shape. Variables are named as in PyTorch's `class Residual(nn.Sequential)`
    /// with `def forward(self, x): return x + super().forward(x)`.
    Residual(Vec<Layer>),
    /// max(x, 0). PyTorch: `nn.ReLU()`.
    Relu,
    /// x if x > 0, else slope * x, for a slope in [0, 1). PyTorch: `nn.LeakyReLU(slope)`, which
    /// defaults to 0.01.
    LeakyRelu(f64),
    /// x if x > 0, else alpha (exp(x) - 1), for alpha > 0. PyTorch: `nn.ELU(alpha)`, which defaults
    /// to 1.
    Elu(f64),
    /// x * normal_cdf(x). PyTorch: `nn.GELU()`.
    Gelu,
    /// ln(1 + exp(x)), a smooth ReLU (Dugas and others, "Incorporating second-order functional
    /// knowledge for better option pricing", 2001). PyTorch: `nn.Softplus()`.
    Softplus,
    /// 1 / (1 + exp(-x)), in (0, 1). PyTorch: `nn.Sigmoid()`.
    Sigmoid,
    /// Hyperbolic tangent, in (-1, 1). PyTorch: `nn.Tanh()`.
    Tanh,
    /// In training, sets values to zero with probability p, in [0, 1), and scales the others by
    /// 1 / (1 - p). Does nothing in evaluation. PyTorch: `nn.Dropout(p)`.
    Dropout(f64),
    /// A layer that was given a setting its kind does not have, as in `Linear(128).stride(2)`.
    /// Building a model with it is an error.
    #[doc(hidden)]
    #[serde(skip)]
    UnsupportedSetting(UnsupportedSetting),
}

impl Layer {
    /// The implementation of this kind of layer.
    pub(crate) fn kind(&self) -> Box<dyn LayerKind> {
        match *self {
            Layer::Flatten => Box::new(Flatten),
            Layer::Unflatten(c, h, w) => Box::new(Unflatten(c, h, w)),
            Layer::Linear(outputs) => Box::new(Linear(outputs)),
            Layer::Conv2d(conv) => Box::new(conv),
            Layer::ConvTranspose2d(transposed) => Box::new(transposed),
            Layer::MaxPool2d(n) => Box::new(MaxPool2d(n)),
            Layer::MaxUnpool2d(n) => Box::new(MaxUnpool2d(n)),
            Layer::AvgPool2d(n) => Box::new(AvgPool2d(n)),
            Layer::Upsample(n) => Box::new(Upsample(n)),
            Layer::BatchNorm => Box::new(BatchNorm),
            Layer::Residual(ref block) => Box::new(Residual(block.len())),
            Layer::Relu => Box::new(ActivationFn::Relu),
            Layer::LeakyRelu(slope) => Box::new(ActivationFn::LeakyRelu(slope)),
            Layer::Elu(alpha) => Box::new(ActivationFn::Elu(alpha)),
            Layer::Gelu => Box::new(Gelu),
            Layer::Softplus => Box::new(ActivationFn::Softplus),
            Layer::Sigmoid => Box::new(ActivationFn::Sigmoid),
            Layer::Tanh => Box::new(ActivationFn::Tanh),
            Layer::Dropout(p) => Box::new(Dropout(p)),
            Layer::UnsupportedSetting(unsupported) => Box::new(unsupported),
        }
    }

    /// Name of the kind, as written in code.
    pub(crate) const fn kind_name(&self) -> &'static str {
        match self {
            Layer::Flatten => "Flatten",
            Layer::Unflatten(..) => "Unflatten",
            Layer::Linear(_) => "Linear",
            Layer::Conv2d(_) => "Conv2d",
            Layer::ConvTranspose2d(_) => "ConvTranspose2d",
            Layer::MaxPool2d(_) => "MaxPool2d",
            Layer::MaxUnpool2d(_) => "MaxUnpool2d",
            Layer::AvgPool2d(_) => "AvgPool2d",
            Layer::Upsample(_) => "Upsample",
            Layer::BatchNorm => "BatchNorm",
            Layer::Residual(_) => "Residual",
            Layer::Relu => "Relu",
            Layer::LeakyRelu(_) => "LeakyRelu",
            Layer::Elu(_) => "Elu",
            Layer::Gelu => "Gelu",
            Layer::Softplus => "Softplus",
            Layer::Sigmoid => "Sigmoid",
            Layer::Tanh => "Tanh",
            Layer::Dropout(_) => "Dropout",
            Layer::UnsupportedSetting(unsupported) => unsupported.kind,
        }
    }
}

/// Prints the layer as written in code.
impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Layer::Unflatten(c, h, w) => write!(f, "Unflatten({c}, {h}, {w})"),
            Layer::Conv2d(conv) => write!(f, "Conv2d{}", conv.call((0, 0))),
            Layer::ConvTranspose2d(transposed) => {
                let call = transposed.conv.call(transposed.output_padding);
                write!(f, "ConvTranspose2d{call}")
            }
            Layer::Residual(block) => {
                let block: Vec<String> = block.iter().map(Layer::to_string).collect();
                write!(f, "Residual(vec![{}])", block.join(", "))
            }
            Layer::UnsupportedSetting(unsupported) => {
                let UnsupportedSetting {
                    kind,
                    setting,
                    value,
                    columns,
                } = unsupported;
                let columns = columns.map(|n| format!(", {n}")).unwrap_or_default();
                write!(f, "{kind}.{setting}({value}{columns})")
            }
            other => write!(f, "{other:?}"),
        }
    }
}
