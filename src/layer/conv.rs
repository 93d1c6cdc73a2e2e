//! 2-d convolutions.
//!
//! y(o) = b(o) + sum over c of the cross-correlation of x(c) with W(o, c).
//! PyTorch: `nn.Conv2d(in_channels, out_channels, kernel_size, ...)`.

use crate::error::Result;
use crate::layer::conv_op::ConvOp;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{LayerError, ShapeResult, image_dims, reject, shape};
use crate::layer::variable::{LayerVars, VariableSpec};
use crate::math::ConvGeometry;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::sync::Arc;

// Larger settings are typing errors.
const MAX_CHANNELS: usize = 1 << 16;
const MAX_KERNEL_SIZE: usize = 255;
const MAX_STRIDE: usize = 64;
const MAX_DILATION: usize = 1024;
const MAX_PADDING: usize = 1 << 16;

/// Settings of [`Layer::Conv2d`](crate::layer::Layer::Conv2d).
///
/// Lists of layers use the shorter [`Conv2d`](crate::layer::Conv2d()) function.
///
/// # Examples
/// ```
/// use candlebook::layer::{Conv2d, ConvSettings, Layer};
/// let settings = ConvSettings { padding: 1, ..ConvSettings::new(12, 3) };
/// assert_eq!(Conv2d(12, 3).padding(1), Layer::Conv2d(settings));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConvSettings {
    /// Output channels.
    #[serde(rename = "out")]
    pub out_channels: usize,
    /// Height and width of the window, in pixels.
    #[serde(rename = "kernel")]
    pub kernel_size: usize,
    /// Distance between neighboring windows, in pixels. Defaults to 1.
    pub stride: usize,
    /// Zeros added on each side of the image. Defaults to 0.
    pub padding: usize,
    /// Distance between neighboring window elements, in pixels. Defaults to 1.
    pub dilation: usize,
    /// Groups of channels that are convolved separately. Defaults to 1.
    pub groups: usize,
}

/// An optional setting that convolutions and transposed convolutions share.
#[derive(Clone, Copy)]
pub(crate) enum ConvOption {
    Stride,
    Padding,
    Dilation,
    Groups,
}

impl ConvOption {
    /// Name of the builder method.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            ConvOption::Stride => "stride",
            ConvOption::Padding => "padding",
            ConvOption::Dilation => "dilation",
            ConvOption::Groups => "groups",
        }
    }
}

impl ConvSettings {
    /// A convolution with stride 1, no padding, dilation 1 and one group.
    ///
    /// # Examples
    /// ```
    /// use candlebook::layer::ConvSettings;
    /// let settings = ConvSettings::new(12, 3);
    /// assert_eq!((settings.out_channels, settings.kernel_size, settings.stride), (12, 3, 1));
    /// ```
    pub const fn new(out_channels: usize, kernel_size: usize) -> Self {
        ConvSettings {
            out_channels,
            kernel_size,
            stride: 1,
            padding: 0,
            dilation: 1,
            groups: 1,
        }
    }

    /// Sets one option.
    pub(crate) const fn with(mut self, option: ConvOption, value: usize) -> Self {
        match option {
            ConvOption::Stride => self.stride = value,
            ConvOption::Padding => self.padding = value,
            ConvOption::Dilation => self.dilation = value,
            ConvOption::Groups => self.groups = value,
        }
        self
    }

    /// Pixels between the first and the last row of the dilated window.
    pub(crate) fn reach(&self) -> usize {
        self.dilation * (self.kernel_size - 1)
    }

    /// Rows or columns at the end of a padded side that the stride skips.
    pub(crate) fn skipped(&self, side: usize) -> usize {
        (side + 2 * self.padding - self.reach() - 1) % self.stride
    }

    /// Pads rows or columns of zeros that the stride skips. Candle's gradient needs as many skipped
    /// rows as columns.
    fn with_equal_remainders(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        let (_, _, h, w) = xs.dims4()?;
        let (rows, columns) = (self.skipped(h), self.skipped(w));
        xs.pad_with_zeros(2, 0, columns.saturating_sub(rows))?
            .pad_with_zeros(3, 0, rows.saturating_sub(columns))
    }

    /// The part of the settings that the arithmetic needs.
    pub(crate) fn geometry(&self) -> ConvGeometry {
        ConvGeometry {
            kernel_size: self.kernel_size,
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
        }
    }

    /// Checks every setting against its range, and the groups against the input's channels.
    pub(crate) fn check(&self, in_channels: usize) -> std::result::Result<(), LayerError> {
        for (name, value, max) in [
            ("out_channels", self.out_channels, MAX_CHANNELS),
            ("kernel_size", self.kernel_size, MAX_KERNEL_SIZE),
            ("stride", self.stride, MAX_STRIDE),
            ("dilation", self.dilation, MAX_DILATION),
            ("groups", self.groups, MAX_CHANNELS),
        ] {
            if value == 0 || value > max {
                return reject(
                    format!("{name} from 1 to {max}"),
                    value,
                    "3 x 3 windows are a good start: Conv2d(12, 3).padding(1)",
                );
            }
        }
        if self.padding > MAX_PADDING {
            return reject(
                format!("padding up to {MAX_PADDING}"),
                self.padding,
                "Half the kernel_size keeps height and width",
            );
        }
        if !in_channels.is_multiple_of(self.groups)
            || !self.out_channels.is_multiple_of(self.groups)
        {
            let expected = format!(
                "groups that divide {in_channels} input channels and {} output channels",
                self.out_channels
            );
            return reject(expected, self.groups, "1 group always fits");
        }
        Ok(())
    }

    /// Formats the call that makes these settings, without the function's name:
    /// "(12, 3).padding(1)".
    pub(crate) fn call(&self, (rows, columns): (usize, usize)) -> String {
        let mut call = format!("({}, {})", self.out_channels, self.kernel_size);
        let both = if rows == columns { rows } else { 0 };
        for (name, value, default) in [
            ("stride", self.stride, 1),
            ("padding", self.padding, 0),
            ("output_padding", both, 0),
            ("dilation", self.dilation, 1),
            ("groups", self.groups, 1),
        ] {
            if value != default {
                // Writing to a string cannot fail.
                let _ = write!(call, ".{name}({value})");
            }
        }
        if rows != columns {
            let _ = write!(call, ".output_padding_hw({rows}, {columns})");
        }
        call
    }
}

impl LayerKind for ConvSettings {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        let (c, h, w) = image_dims(input)?;
        self.check(c)?;
        let window = self.reach() + 1;
        let side = |length: usize| {
            Some((length + 2 * self.padding).checked_sub(window)? / self.stride + 1)
        };
        match (side(h), side(w)) {
            (Some(h), Some(w)) => Ok(vec![self.out_channels, h, w]),
            _ => reject(
                format!("images of at least {window} x {window} including padding"),
                shape(input),
                "Choose a smaller kernel_size or more padding",
            ),
        }
    }

    fn parameters(&self, input: &[usize]) -> Vec<VariableSpec> {
        let in_channels = input[0] / self.groups;
        let weight = [
            self.out_channels,
            in_channels,
            self.kernel_size,
            self.kernel_size,
        ];
        VariableSpec::weight_and_bias(&weight, self.out_channels)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let (weight, bias) = vars.weight_and_bias(xs.dtype())?;
        let ys = self.with_equal_remainders(xs)?.contiguous()?.conv2d(
            &weight,
            self.padding,
            self.stride,
            self.dilation,
            self.groups,
        )?;
        Ok(ys.broadcast_add(&bias.reshape((1, (), 1, 1))?)?) // (out) -> (1, out, 1, 1)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(ConvOp::new(
            shapes,
            self.geometry(),
            self.groups,
            false,
        )))
    }
}
