//! Layers as plain data: what a model is, apart from how it runs.
//!
//! A layer states only what cannot be inferred. Shapes flow through the list, so changing one
//! number is enough, and a misfit is found before training, by name.

use serde::{Deserialize, Serialize};

/// One layer of an encoder or decoder. Names and numbering in weights files are those of PyTorch's `nn.Sequential`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Layer {
    /// All values of a picture in one row: (b, c, h, w) -> (b, c*h*w). PyTorch: `nn.Flatten()`.
    Flatten,
    /// The opposite: (b, c*h*w) -> (b, c, h, w). PyTorch: `nn.Unflatten(1, (c, h, w))`.
    Unflatten(usize, usize, usize),
    /// y = x Wᵀ + b, (b, in) -> (b, out); holds `out`. Starts as PyTorch's `nn.Linear`: uniform within 1/sqrt(in).
    Linear(usize),
    /// max(x, 0). PyTorch: `nn.ReLU()`.
    Relu,
    /// 1 / (1 + exp(-x)), in (0, 1). PyTorch: `nn.Sigmoid()`.
    Sigmoid,
    /// The hyperbolic tangent, in (-1, 1). PyTorch: `nn.Tanh()`.
    Tanh,
    /// In training sets values to zero with this probability, in [0, 1), and scales the rest by 1/(1-p); afterwards does
    /// nothing. PyTorch: `nn.Dropout(p)`.
    Dropout(f64),
}

/// Why a layer does not fit: what it expected, what it got, what to do.
#[derive(Debug, PartialEq)]
pub(crate) struct Misfit {
    pub(crate) expected: String,
    pub(crate) got: String,
    pub(crate) hint: String,
}

fn misfit<T>(expected: impl Into<String>, got: impl ToString, hint: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit { expected: expected.into(), got: got.to_string(), hint: hint.into() })
}

impl Layer {
    /// The shape that comes out, without the batch, for the shape that goes in.
    ///
    /// # Errors
    /// Where the layer cannot take this input, or its own number is outside its range.
    pub(crate) fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, Misfit> {
        match *self {
            Layer::Flatten => Ok(vec![input.iter().product()]),
            Layer::Unflatten(c, h, w) => {
                let values: usize = input.iter().product();
                if input.len() != 1 || values != c * h * w {
                    let expected = format!("{c} x {h} x {w} = {} values in a row", c * h * w);
                    return misfit(expected, shape(input), format!("Put Linear({}) before it", c * h * w));
                }
                Ok(vec![c, h, w])
            }
            Layer::Linear(out) => {
                if out == 0 {
                    return misfit("at least one output", 0, "Choose a positive size, such as Linear(128)");
                }
                if input.len() != 1 {
                    return misfit("values in a row", shape(input), "Put Flatten before it");
                }
                Ok(vec![out])
            }
            Layer::Dropout(p) if !(0.0..1.0).contains(&p) => {
                misfit("a probability in [0, 1)", p, "0 drops nothing; 0.2 drops a fifth")
            }
            Layer::Relu | Layer::Sigmoid | Layer::Tanh | Layer::Dropout(_) => Ok(input.to_vec()),
        }
    }

    /// The shapes of its weight and bias for the shape that goes in; none where it has nothing to learn.
    pub(crate) fn parameter_shapes(&self, input: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
        match *self {
            Layer::Linear(out) => Some((vec![out, input[0]], vec![out])),
            _ => None,
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
            Layer::Relu | Layer::Sigmoid | Layer::Tanh | Layer::Dropout(_) => None,
        }
    }
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // As it is written in code.
        match self {
            Layer::Unflatten(c, h, w) => write!(f, "Unflatten({c}, {h}, {w})"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// The shapes along a list: one before the first layer, one after each.
///
/// # Errors
/// The position of the first layer that does not fit, and why.
pub(crate) fn shapes(layers: &[Layer], input: &[usize]) -> Result<Vec<Vec<usize>>, (usize, Misfit)> {
    let mut shapes = vec![input.to_vec()];
    for (i, layer) in layers.iter().enumerate() {
        let next = layer.output_shape(&shapes[i]).map_err(|misfit| (i, misfit))?;
        shapes.push(next);
    }
    Ok(shapes)
}

/// The decoder that mirrors an encoder, given the encoder's [`shapes`].
///
/// Layers with a shape or weights are undone last first. What stood between two of them in the encoder (activation,
/// dropout) stands between their mirrors, and a sigmoid brings the picture into [0, 1]:
/// `[Flatten, Linear(512), Relu, Linear(32)]` gives `[Linear(512), Relu, Linear(784), Sigmoid, Unflatten(1, 28, 28)]`.
pub(crate) fn mirror(encoder: &[Layer], shapes: &[Vec<usize>]) -> Vec<Layer> {
    let mut decoder = Vec::new();
    let undone: Vec<usize> = (0..encoder.len()).filter(|&i| encoder[i].mirrored(&shapes[i]).is_some()).collect();
    let first_weights = encoder.iter().position(|layer| matches!(layer, Layer::Linear(_)));
    for (nth, &i) in undone.iter().enumerate().rev() {
        decoder.extend(encoder[i].mirrored(&shapes[i]));
        // What preceded layer i in the encoder follows its mirror.
        let before = if nth == 0 { 0 } else { undone[nth - 1] + 1 };
        decoder.extend_from_slice(&encoder[before..i]);
        if Some(i) == first_weights {
            decoder.push(Layer::Sigmoid);
        }
    }
    decoder
}

/// A shape without its batch, as people write it.
pub(crate) fn shape(dims: &[usize]) -> String {
    match dims {
        [n] => format!("{n} values"),
        dims => dims.iter().map(usize::to_string).collect::<Vec<_>>().join(" x "),
    }
}
