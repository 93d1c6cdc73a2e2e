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

/// A convolution's numbers: `Conv::new(12, 3).padding(1)` has 12 output channels and windows of 3 x 3.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conv {
    /// Channels that come out.
    pub out: usize,
    /// Height and width of the window.
    pub kernel: usize,
    /// How far the window moves from place to place. Defaults to 1.
    pub stride: usize,
    /// Zeros around the picture. Defaults to 0.
    pub padding: usize,
    /// Distance between the window's values. Defaults to 1.
    pub dilation: usize,
    /// Parts that channels are divided into, each convolved by itself. Defaults to 1.
    pub groups: usize,
}

impl Conv {
    /// So many output channels, a window of so many rows and columns.
    pub const fn new(out: usize, kernel: usize) -> Self {
        Conv { out, kernel, stride: 1, padding: 0, dilation: 1, groups: 1 }
    }

    /// How far the window moves from place to place.
    pub const fn stride(self, stride: usize) -> Self {
        Conv { stride, ..self }
    }

    /// Zeros around the picture.
    pub const fn padding(self, padding: usize) -> Self {
        Conv { padding, ..self }
    }

    /// Distance between the window's values.
    pub const fn dilation(self, dilation: usize) -> Self {
        Conv { dilation, ..self }
    }

    /// Parts that channels are divided into.
    pub const fn groups(self, groups: usize) -> Self {
        Conv { groups, ..self }
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, Misfit> {
        let (c, h, w) = picture(input)?;
        self.check(c)?;
        let reach = self.dilation * (self.kernel - 1) + 1;
        let side = |length: usize| Some((length + 2 * self.padding).checked_sub(reach)? / self.stride + 1);
        match (side(h), side(w)) {
            (Some(h), Some(w)) => Ok(vec![self.out, h, w]),
            _ => misfit(
                format!("pictures of at least {reach} x {reach} with their padding"),
                shape(input),
                "Choose a smaller kernel or more padding",
            ),
        }
    }

    fn check(&self, channels: usize) -> Result<(), Misfit> {
        for (name, value, most) in [
            ("out", self.out, LARGEST),
            ("kernel", self.kernel, 255),
            ("stride", self.stride, 64),
            ("dilation", self.dilation, 1024),
            ("groups", self.groups, LARGEST),
        ] {
            if value == 0 || value > most {
                return misfit(
                    format!("{name} from 1 to {most}"),
                    value,
                    "3 x 3 windows are a good start: Conv::new(12, 3).padding(1)",
                );
            }
        }
        if self.padding > LARGEST {
            return misfit(format!("padding up to {LARGEST}"), self.padding, "Half the kernel keeps the size");
        }
        if !channels.is_multiple_of(self.groups) || !self.out.is_multiple_of(self.groups) {
            let expected = format!("{channels} channels in and {} out to be divisible by the groups", self.out);
            return misfit(expected, self.groups, "1 group fits always");
        }
        Ok(())
    }
}

/// A transposed convolution's numbers: `ConvTranspose::new(12, 3).stride(2).padding(1).output_padding(1)` doubles a picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConvTranspose {
    /// The convolution that it turns round; its `out` are the channels that come out here.
    pub conv: Conv,
    /// Rows and columns added below and to the right. Defaults to 0.
    pub output_padding: usize,
}

impl ConvTranspose {
    /// So many output channels, a window of so many rows and columns.
    pub const fn new(out: usize, kernel: usize) -> Self {
        ConvTranspose { conv: Conv::new(out, kernel), output_padding: 0 }
    }

    /// How far apart the places are that one place fills.
    pub const fn stride(self, stride: usize) -> Self {
        ConvTranspose { conv: self.conv.stride(stride), ..self }
    }

    /// Rows and columns cut off on each side.
    pub const fn padding(self, padding: usize) -> Self {
        ConvTranspose { conv: self.conv.padding(padding), ..self }
    }

    /// Rows and columns added below and to the right.
    pub const fn output_padding(self, output_padding: usize) -> Self {
        ConvTranspose { output_padding, ..self }
    }

    /// Distance between the window's values.
    pub const fn dilation(self, dilation: usize) -> Self {
        ConvTranspose { conv: self.conv.dilation(dilation), ..self }
    }

    /// Parts that channels are divided into.
    pub const fn groups(self, groups: usize) -> Self {
        ConvTranspose { conv: self.conv.groups(groups), ..self }
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, Misfit> {
        let (c, h, w) = picture(input)?;
        let Conv { out, kernel, stride, padding, dilation, .. } = self.conv;
        self.conv.check(c)?;
        if self.output_padding >= stride.max(dilation) {
            let expected = format!("output_padding below the stride or the dilation, {}", stride.max(dilation));
            return misfit(expected, self.output_padding, "It says which of several sizes is meant");
        }
        let side = |length: usize| {
            let whole = (length - 1) * stride + dilation * (kernel - 1) + self.output_padding + 1;
            whole.checked_sub(2 * padding).filter(|side| *side > 0)
        };
        match (side(h), side(w)) {
            (Some(h), Some(w)) => Ok(vec![out, h, w]),
            _ => misfit("something left after the padding is cut off", shape(input), "Choose less padding"),
        }
    }
}

/// More values than these between two layers (4 GB for one picture) are a slip of the finger.
pub(crate) const MOST_VALUES: u128 = 1 << 30;

/// Numbers of a layer above this are a slip of the finger.
const LARGEST: usize = 1 << 16;

/// Channels, height and width of what goes into a layer for pictures.
fn picture(input: &[usize]) -> Result<(usize, usize, usize), Misfit> {
    match *input {
        [c, h, w] => Ok((c, h, w)),
        _ => misfit(
            "pictures of channels x height x width",
            shape(input),
            "Put Unflatten(channels, height, width) before it",
        ),
    }
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
                let wanted = c.checked_mul(h).and_then(|values| values.checked_mul(w)).unwrap_or(usize::MAX);
                if *input != [wanted] {
                    let expected = format!("{c} x {h} x {w} = {wanted} values in a row");
                    return misfit(expected, shape(input), format!("Put Linear({wanted}) before it"));
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
            Layer::Conv2d(conv) => conv.output_shape(input),
            Layer::ConvTranspose2d(conv) => conv.output_shape(input),
            Layer::MaxPool(n) => {
                let (c, h, w) = picture(input)?;
                if !(1..=255).contains(&n) || !h.is_multiple_of(n) || !w.is_multiple_of(n) {
                    let hint = "Choose pictures of such a size, or another window";
                    return misfit(format!("a height and width divisible by {n}"), format!("{h} x {w}"), hint);
                }
                Ok(vec![c, h / n, w / n])
            }
            Layer::MaxUnpool(n) => {
                let (c, h, w) = picture(input)?;
                if !(1..=255).contains(&n) {
                    return misfit("a window of 1 to 255 rows and columns", n, "2 undoes MaxPool(2)");
                }
                Ok(vec![c, h.saturating_mul(n), w.saturating_mul(n)])
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
            Layer::Conv2d(Conv { out, kernel, groups, .. }) => {
                Some((vec![out, input[0] / groups, kernel, kernel], vec![out]))
            }
            Layer::ConvTranspose2d(ConvTranspose { conv: Conv { out, kernel, groups, .. }, .. }) => {
                Some((vec![input[0], out / groups, kernel, kernel], vec![out]))
            }
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
            Layer::Conv2d(conv) => {
                let reach = conv.dilation * (conv.kernel - 1);
                let back = Conv { out: input[0], ..conv };
                if conv.stride == 1 && conv.padding <= reach {
                    return Some(Layer::Conv2d(Conv { padding: reach - conv.padding, ..back }));
                }
                // What a stride does not reach at the edge.
                let output_padding = (input[1] + 2 * conv.padding - reach - 1) % conv.stride;
                Some(Layer::ConvTranspose2d(ConvTranspose { conv: back, output_padding }))
            }
            Layer::ConvTranspose2d(transposed) => Some(Layer::Conv2d(Conv { out: input[0], ..transposed.conv })),
            Layer::MaxPool(n) => Some(Layer::MaxUnpool(n)),
            Layer::MaxUnpool(n) => Some(Layer::MaxPool(n)),
            Layer::Relu | Layer::Sigmoid | Layer::Tanh | Layer::Dropout(_) => None,
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
            other => write!(f, "{other:?}"),
        }
    }
}

/// The calls that were made besides `new`, such as `.padding(1)`.
fn calls(f: &mut std::fmt::Formatter<'_>, calls: &[(&str, usize, usize)]) -> std::fmt::Result {
    let mut made = calls.iter().filter(|(_, value, default)| value != default);
    made.try_for_each(|(name, value, _)| write!(f, ".{name}({value})"))
}

impl std::fmt::Display for Conv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Conv { out, kernel, stride, padding, dilation, groups } = *self;
        write!(f, "Conv::new({out}, {kernel})")?;
        calls(f, &[("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1), ("groups", groups, 1)])
    }
}

impl std::fmt::Display for ConvTranspose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Conv { out, kernel, stride, padding, dilation, groups } = self.conv;
        write!(f, "ConvTranspose::new({out}, {kernel})")?;
        let added = ("output_padding", self.output_padding, 0);
        calls(
            f,
            &[("stride", stride, 1), ("padding", padding, 0), added, ("dilation", dilation, 1), ("groups", groups, 1)],
        )
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
        let values: u128 = next.iter().map(|&side| side as u128).product();
        if values > MOST_VALUES {
            let expected = format!("at most {MOST_VALUES} values of a picture");
            let misfit = Misfit { expected, got: values.to_string(), hint: "Choose a smaller size".into() };
            return Err((i, misfit));
        }
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
    let first_weights = (0..encoder.len()).find(|&i| encoder[i].parameter_shapes(&shapes[i]).is_some());
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
