//! Layers as plain data: what a model is, apart from how it runs.
//!
//! A layer states only what cannot be inferred. Shapes flow through the list, so changing one
//! number is enough, and a misfit is found before training, by name.
//!
//! What a kind of layer does stands in its own file; a new one is such a file and its name here.

use crate::layer::activation::{Function, Gelu};
use crate::layer::average::{AvgPool, Upsample};
use crate::layer::dropout::Dropout;
use crate::layer::linear::Linear;
use crate::layer::misfit::{Misfit, misfit, shape};
use crate::layer::norm::BatchNorm;
use crate::layer::operation::LayerKind;
use crate::layer::pool::{MaxPool, MaxUnpool};
use crate::layer::reshape::{Flatten, Unflatten};
use crate::layer::residual::Residual;
use crate::layer::window::{Conv, ConvTranspose};
use serde::{Deserialize, Serialize};

/// More values than these between two layers (4 GB for one picture) are a slip of the finger.
pub(crate) const MOST_VALUES: u128 = 1 << 30;

/// One layer of an encoder or decoder. Names and numbering in weights files are those of PyTorch's `nn.Sequential`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Layer {
    /// All values of a picture in one row: (b, c, h, w) -> (b, c*h*w). PyTorch: `nn.Flatten()`.
    Flatten,
    /// The opposite: (b, c*h*w) -> (b, c, h, w). PyTorch: `nn.Unflatten(1, (c, h, w))`.
    Unflatten(usize, usize, usize),
    /// y = x Wᵀ + b, (b, in) -> (b, out); holds `out`. Starts as PyTorch's `nn.Linear`: uniform within 1/sqrt(in).
    Linear(usize),
    /// Sums of a window of every channel times weights, at every place: (b, c, h, w) -> (b, out, h', w') with
    /// h' = (h + 2 padding - dilation (kernel - 1) - 1) / stride + 1. PyTorch: `nn.Conv2d(c, out, kernel, ...)`, and its
    /// first weights.
    Conv2d(Conv),
    /// A convolution turned round, for decoders: (b, c, h, w) -> (b, out, h', w') with h' = (h - 1) stride - 2 padding +
    /// dilation (kernel - 1) + output_padding + 1. PyTorch: `nn.ConvTranspose2d(c, out, kernel, ...)`.
    ConvTranspose2d(ConvTranspose),
    /// The largest value of each window of so many rows and columns, without overlap: (b, c, h, w) -> (b, c, h/n, w/n).
    /// It remembers where that was, for the [`Layer::MaxUnpool`] that is its mirror. PyTorch:
    /// `nn.MaxPool2d(n, return_indices=True)`.
    MaxPool(usize),
    /// Puts each value where the paired [`Layer::MaxPool`] found its maximum, zero elsewhere: (b, c, h, w) ->
    /// (b, c, n h, n w). Pairs nest: the first unpooling belongs to the last pooling. Where there was no pooling, as in
    /// decoding codes alone, values go to the upper left of their windows. PyTorch: `nn.MaxUnpool2d(n)`.
    MaxUnpool(usize),
    /// The mean of each window of so many rows and columns, without overlap: (b, c, h, w) -> (b, c, h/n, w/n). PyTorch:
    /// `nn.AvgPool2d(n)`.
    AvgPool(usize),
    /// Every value n x n times: (b, c, h, w) -> (b, c, n h, n w). PyTorch: `nn.Upsample(scale_factor=n)`, mode "nearest".
    Upsample(usize),
    /// Each channel's values less their mean over the batch, by their standard deviation, times a weight plus a bias that
    /// are learned; afterwards by the running mean and variance of training (Ioffe and Szegedy, 2015). Keeps its shape,
    /// (b, c, h, w) or (b, n). PyTorch: `nn.BatchNorm2d(c)` or `nn.BatchNorm1d(n)`, with its eps 1e-5 and momentum 0.1.
    BatchNorm,
    /// x plus what these layers make of x; they must keep its shape (He and others, "Deep residual learning", 2016).
    /// Variables are named as in PyTorch's `class Residual(nn.Sequential)` with
    /// `def forward(self, x): return x + super().forward(x)`.
    Residual(Vec<Layer>),
    /// max(x, 0). PyTorch: `nn.ReLU()`.
    Relu,
    /// x where it is positive, else x times this slope, in [0, 1). PyTorch: `nn.LeakyReLU(slope)`, whose slope is 0.01.
    LeakyRelu(f64),
    /// x where it is positive, else alpha (exp(x) - 1), for an alpha above 0. PyTorch: `nn.ELU(alpha)`, whose alpha is 1.
    Elu(f64),
    /// x times the normal distribution's probability of being below x. PyTorch: `nn.GELU()`.
    Gelu,
    /// 1 / (1 + exp(-x)), in (0, 1). PyTorch: `nn.Sigmoid()`.
    Sigmoid,
    /// The hyperbolic tangent, in (-1, 1). PyTorch: `nn.Tanh()`.
    Tanh,
    /// In training sets values to zero with this probability, in [0, 1), and scales the rest by 1/(1-p); afterwards does
    /// nothing. PyTorch: `nn.Dropout(p)`.
    Dropout(f64),
}

impl Layer {
    /// What there is to know of this kind of layer.
    pub(crate) fn kind(&self) -> Box<dyn LayerKind> {
        match *self {
            Layer::Flatten => Box::new(Flatten),
            Layer::Unflatten(c, h, w) => Box::new(Unflatten(c, h, w)),
            Layer::Linear(out) => Box::new(Linear(out)),
            Layer::Conv2d(conv) => Box::new(conv),
            Layer::ConvTranspose2d(conv) => Box::new(conv),
            Layer::MaxPool(n) => Box::new(MaxPool(n)),
            Layer::MaxUnpool(n) => Box::new(MaxUnpool(n)),
            Layer::AvgPool(n) => Box::new(AvgPool(n)),
            Layer::Upsample(n) => Box::new(Upsample(n)),
            Layer::BatchNorm => Box::new(BatchNorm),
            Layer::Residual(ref block) => Box::new(Residual(block.len())),
            Layer::Relu => Box::new(Function::Relu),
            Layer::LeakyRelu(slope) => Box::new(Function::LeakyRelu(slope)),
            Layer::Elu(alpha) => Box::new(Function::Elu(alpha)),
            Layer::Gelu => Box::new(Gelu),
            Layer::Sigmoid => Box::new(Function::Sigmoid),
            Layer::Tanh => Box::new(Function::Tanh),
            Layer::Dropout(p) => Box::new(Dropout(p)),
        }
    }

    /// The layer that leads back to the shape that went in; none where it has no shape or weights to undo.
    fn mirrored(&self, input: &[usize]) -> Option<Layer> {
        match *self {
            Layer::Flatten => match *input {
                [c, h, w] => Some(Layer::Unflatten(c, h, w)),
                _ => None,
            },
            Layer::Unflatten(..) => Some(Layer::Flatten),
            Layer::Linear(_) => Some(Layer::Linear(input[0])),
            Layer::Conv2d(conv) => {
                let reach = conv.dilation * (conv.kernel - 1);
                let back = Conv {
                    out: input[0],
                    ..conv
                };
                if conv.stride == 1 && conv.padding <= reach {
                    return Some(Layer::Conv2d(Conv {
                        padding: reach - conv.padding,
                        ..back
                    }));
                }
                // What a stride does not reach at the edge.
                let output_padding = (input[1] + 2 * conv.padding - reach - 1) % conv.stride;
                Some(Layer::ConvTranspose2d(ConvTranspose {
                    conv: back,
                    output_padding,
                }))
            }
            Layer::ConvTranspose2d(transposed) => Some(Layer::Conv2d(Conv {
                out: input[0],
                ..transposed.conv
            })),
            Layer::MaxPool(n) => Some(Layer::MaxUnpool(n)),
            Layer::MaxUnpool(n) => Some(Layer::MaxPool(n)),
            Layer::AvgPool(n) => Some(Layer::Upsample(n)),
            Layer::Upsample(n) => Some(Layer::AvgPool(n)),
            Layer::Residual(_) => Some(self.clone()),
            Layer::BatchNorm
            | Layer::Relu
            | Layer::LeakyRelu(_)
            | Layer::Elu(_)
            | Layer::Gelu
            | Layer::Sigmoid
            | Layer::Tanh
            | Layer::Dropout(_) => None,
        }
    }
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // As it is written in code.
        match self {
            Layer::Unflatten(c, h, w) => write!(f, "Unflatten({c}, {h}, {w})"),
            Layer::Conv2d(conv) => write!(f, "Conv2d({conv})"),
            Layer::ConvTranspose2d(conv) => write!(f, "ConvTranspose2d({conv})"),
            Layer::Residual(block) => {
                let block: Vec<String> = block.iter().map(Layer::to_string).collect();
                write!(f, "Residual(vec![{}])", block.join(", "))
            }
            other => write!(f, "{other:?}"),
        }
    }
}

/// A layer in the order in which it runs: those of a residual block come before the step that adds the block's input.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Its number in its list, and in the lists around that: "3", "3.0".
    pub(crate) name: String,
    pub(crate) layer: Layer,
    /// For a residual block: the step whose input is added here.
    pub(crate) source: Option<usize>,
    /// Which layer of the outermost list it belongs to.
    pub(crate) top: usize,
}

/// The layers of a list as steps.
pub(crate) fn nodes(layers: &[Layer]) -> Vec<Node> {
    fn add(layers: &[Layer], within: &str, top: Option<usize>, nodes: &mut Vec<Node>) {
        for (i, layer) in layers.iter().enumerate() {
            let name = format!("{within}{i}");
            let top = top.unwrap_or(i);
            let mut source = None;
            if let Layer::Residual(block) = layer {
                source = Some(nodes.len());
                add(block, &format!("{name}."), Some(top), nodes);
            }
            nodes.push(Node {
                name,
                layer: layer.clone(),
                source,
                top,
            });
        }
    }
    let mut all = Vec::new();
    add(layers, "", None, &mut all);
    all
}

/// The shapes along some steps: one before the first, one after each.
///
/// # Errors
/// The first step that does not fit, and why.
pub(crate) fn shapes(nodes: &[Node], input: &[usize]) -> Result<Vec<Vec<usize>>, (usize, Misfit)> {
    let mut shapes = vec![input.to_vec()];
    for (i, node) in nodes.iter().enumerate() {
        let next = node
            .layer
            .kind()
            .output_shape(&shapes[i])
            .map_err(|misfit| (i, misfit))?;
        if let Some(source) = node.source.filter(|&source| shapes[source] != next) {
            let hint = "A 3 x 3 convolution with padding 1 keeps height and width; end with the channels it began with";
            let kept = format!("a block that keeps {}", shape(&shapes[source]));
            return misfit(kept, shape(&next), hint).map_err(|misfit| (i, misfit));
        }
        let values: u128 = next.iter().map(|&side| side as u128).product();
        if values > MOST_VALUES {
            let expected = format!("at most {MOST_VALUES} values of a picture");
            let misfit = Misfit {
                expected,
                got: values.to_string(),
                hint: "Choose a smaller size".into(),
            };
            return Err((i, misfit));
        }
        shapes.push(next);
    }
    Ok(shapes)
}

/// The decoder that mirrors an encoder of these steps, given their [`shapes`].
///
/// Layers with a shape or weights are undone last first. What stood between two of them in the encoder (activation,
/// normalization, dropout) stands between their mirrors, and a sigmoid brings the picture into [0, 1]:
/// `[Flatten, Linear(512), Relu, Linear(32)]` gives `[Linear(512), Relu, Linear(784), Sigmoid, Unflatten(1, 28, 28)]`.
pub(crate) fn mirror(encoder: &[Layer], nodes: &[Node], shapes: &[Vec<usize>]) -> Vec<Layer> {
    let mut decoder = Vec::new();
    let before = |i: usize| &shapes[nodes.iter().position(|node| node.top == i).unwrap_or(0)];
    let undone: Vec<(usize, Layer)> = (0..encoder.len())
        .filter_map(|i| Some((i, encoder[i].mirrored(before(i))?)))
        .collect();
    let learns = |layer: &Layer| {
        matches!(
            layer,
            Layer::Linear(_) | Layer::Conv2d(_) | Layer::ConvTranspose2d(_) | Layer::Residual(_)
        )
    };
    let first_weights = undone
        .iter()
        .map(|(i, _)| *i)
        .find(|&i| learns(&encoder[i]));
    for (nth, (i, back)) in undone.iter().enumerate().rev() {
        decoder.push(back.clone());
        // What preceded layer i in the encoder follows its mirror.
        let before = if nth == 0 { 0 } else { undone[nth - 1].0 + 1 };
        decoder.extend_from_slice(&encoder[before..*i]);
        if Some(*i) == first_weights {
            decoder.push(Layer::Sigmoid);
        }
    }
    decoder
}
