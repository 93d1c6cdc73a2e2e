//! 2-d transposed convolutions, for decoders.
//!
//! The gradient of a convolution with respect to its input, used as a layer.
//! PyTorch: `nn.ConvTranspose2d(in_channels, out_channels, kernel_size, ...)`.

use crate::error::Result;
use crate::layer::conv::ConvSettings;
use crate::layer::conv_op::ConvOp;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, image_dims, reject, shape};
use crate::layer::variable::{LayerVars, VariableSpec};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Settings of [`Layer::ConvTranspose2d`](crate::layer::Layer::ConvTranspose2d).
///
/// Lists of layers use the shorter [`ConvTranspose2d`](crate::layer::ConvTranspose2d()) function.
///
/// # Examples
/// ```
/// use candlebook::layer::{ConvSettings, ConvTranspose2d, ConvTransposeSettings, Layer};
/// let settings = ConvTransposeSettings {
///     conv: ConvSettings { stride: 2, ..ConvSettings::new(3, 3) },
///     output_padding: (1, 1),
/// };
/// let layer = ConvTranspose2d(3, 3).stride(2).output_padding(1);
/// assert_eq!(layer, Layer::ConvTranspose2d(settings));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConvTransposeSettings {
    /// The convolution that is transposed. `out_channels` counts this layer's output channels;
    /// `padding` rows and columns are cut off on each side of the output.
    pub conv: ConvSettings,
    /// Rows added at the bottom, and columns at the right, of the output. Defaults to (0, 0).
    /// Files have one number if both are equal.
    #[serde(with = "stored_output_padding")]
    pub output_padding: (usize, usize),
}

impl ConvTransposeSettings {
    /// A transposed convolution with stride 1, no padding, dilation 1 and one group.
    ///
    /// # Examples
    /// ```
    /// use candlebook::layer::ConvTransposeSettings;
    /// let settings = ConvTransposeSettings::new(3, 3);
    /// assert_eq!((settings.conv.out_channels, settings.output_padding), (3, (0, 0)));
    /// ```
    pub const fn new(out_channels: usize, kernel_size: usize) -> Self {
        ConvTransposeSettings {
            conv: ConvSettings::new(out_channels, kernel_size),
            output_padding: (0, 0),
        }
    }
}

impl LayerKind for ConvTransposeSettings {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        let (c, h, w) = image_dims(input)?;
        let conv = &self.conv;
        conv.check(c)?;
        let (max, (rows, columns)) = (conv.stride.max(conv.dilation), self.output_padding);
        if rows.max(columns) >= max {
            return reject(
                format!("output_padding below the stride or the dilation, {max}"),
                rows.max(columns),
                "It selects one of the sizes that a strided convolution maps to the same output",
            );
        }
        let side = |length: usize, added: usize| {
            let uncut = (length - 1) * conv.stride + conv.reach() + added + 1;
            uncut.checked_sub(2 * conv.padding).filter(|side| *side > 0)
        };
        match (side(h, rows), side(w, columns)) {
            (Some(h), Some(w)) => Ok(vec![conv.out_channels, h, w]),
            _ => reject(
                "an output larger than the padding that is cut off",
                shape(input),
                "Choose less padding",
            ),
        }
    }

    fn parameters(&self, input: &[usize]) -> Vec<VariableSpec> {
        let ConvSettings {
            out_channels,
            kernel_size,
            groups,
            ..
        } = self.conv;
        let weight = [input[0], out_channels / groups, kernel_size, kernel_size];
        VariableSpec::weight_and_bias(&weight, out_channels)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let ConvSettings {
            stride,
            padding,
            dilation,
            groups,
            ..
        } = self.conv;
        let (weight, bias) = vars.weight_and_bias(xs.dtype())?;
        let (rows, columns) = self.output_padding;
        // Candle's gradient needs an output padding below the stride. A row of zeros in the input
        // adds a stride of rows to the output.
        let xs = xs.pad_with_zeros(2, 0, rows / stride)?;
        let xs = xs.pad_with_zeros(3, 0, columns / stride)?;
        let (rows, columns) = (rows % stride, columns % stride);
        let larger = rows.max(columns);
        // Candle's transposed convolution has no groups, and one output padding for both axes.
        let groups = xs
            .chunk(groups, 1)?
            .into_iter()
            .zip(weight.chunk(groups, 0)?)
            .map(|(xs, weight)| {
                let (xs, weight) = (xs.contiguous()?, weight.contiguous()?);
                let ys = xs.conv_transpose2d(&weight, padding, larger, stride, dilation)?;
                let (_, _, h, w) = ys.dims4()?;
                ys.narrow(2, 0, h - (larger - rows))?
                    .narrow(3, 0, w - (larger - columns))
            });
        let ys = Tensor::cat(&groups.collect::<candle_core::Result<Vec<_>>>()?, 1)?;
        Ok(ys.broadcast_add(&bias.reshape((1, (), 1, 1))?)?) // (out) -> (1, out, 1, 1)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(ConvOp::new(
            shapes,
            self.conv.geometry(),
            self.conv.groups,
            true,
        )))
    }
}

/// An output padding in files: one number for both axes, or `[rows, columns]`.
mod stored_output_padding {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Both(usize),
        Each(usize, usize),
    }

    pub(super) fn serialize<S: Serializer>(
        &(rows, columns): &(usize, usize),
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let stored = if rows == columns {
            Stored::Both(rows)
        } else {
            Stored::Each(rows, columns)
        };
        stored.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<(usize, usize), D::Error> {
        Ok(match Stored::deserialize(deserializer)? {
            Stored::Both(n) => (n, n),
            Stored::Each(rows, columns) => (rows, columns),
        })
    }
}
