//! Layers with optional settings, as written in lists: `Conv2d(12, 3).padding(1)`.
//!
//! The methods return a [`Layer`], so that every entry of a list has one type. A setting that a
//! kind does not have is reported when the model is built.

use crate::layer::conv::{ConvOption, ConvSettings};
use crate::layer::conv_transpose::ConvTransposeSettings;
use crate::layer::layer::Layer;
use crate::layer::pool_settings::{PoolSettings, UnpoolSettings};
use crate::layer::unsupported::UnsupportedSetting;

/// A 2-d convolution with `out_channels` output channels and a square window. The other settings
/// are methods of [`Layer`]: `stride`, `padding`, `dilation`, `groups`.
///
/// # Shapes
/// (b, c, h, w) -> (b, out_channels, h', w') with
/// h' = (h + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let layers = [Conv2d(12, 3).padding(1), Relu, Conv2d(24, 4).stride(2).padding(1)];
/// let ae = Autoencoder::symmetric((3, 32, 32), &layers)?;
/// assert_eq!(ae.code_shape(), [24, 16, 16]);
/// # Ok::<(), candlebook::Error>(())
/// ```
/// PyTorch: `nn.Conv2d(c, out_channels, kernel_size)`.
#[allow(non_snake_case)] // Reads like the variants of Layer.
pub const fn Conv2d(out_channels: usize, kernel_size: usize) -> Layer {
    Layer::Conv2d(ConvSettings::new(out_channels, kernel_size))
}

/// A 2-d transposed convolution with `out_channels` output channels and a square window. The other
/// settings are methods of [`Layer`]: `stride`, `padding`, `output_padding`, `output_padding_hw`,
/// `dilation`, `groups`.
///
/// # Shapes
/// (b, c, h, w) -> (b, out_channels, h', w') with
/// h' = (h - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1
///
/// # Examples
/// A decoder that doubles height and width:
/// ```
/// use candlebook::prelude::*;
/// let encoder = [Conv2d(8, 3).stride(2).padding(1), Relu];
/// let decoder = [ConvTranspose2d(1, 3).stride(2).padding(1).output_padding(1), Sigmoid];
/// let ae = Autoencoder::new((1, 28, 28), &encoder, &decoder)?;
/// assert_eq!(ae.code_shape(), [8, 14, 14]);
/// # Ok::<(), candlebook::Error>(())
/// ```
/// PyTorch: `nn.ConvTranspose2d(c, out_channels, kernel_size)`.
#[allow(non_snake_case)] // Reads like the variants of Layer.
pub const fn ConvTranspose2d(out_channels: usize, kernel_size: usize) -> Layer {
    Layer::ConvTranspose2d(ConvTransposeSettings::new(out_channels, kernel_size))
}

/// Settings of convolutions, poolings and the code. On other kinds of layers they are errors, which building a model
/// reports:
/// ```
/// use candlebook::prelude::*;
/// let error = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(32).stride(2)]).unwrap_err();
/// assert!(error.to_string().contains("expected a layer with the setting stride, got Linear."));
/// ```
impl Layer {
    /// Sets the distance between neighboring windows, in pixels. Defaults to 1.
    ///
    /// Has an effect on [`Conv2d`] and [`ConvTranspose2d`] only.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(Conv2d(12, 4).stride(2).to_string(), "Conv2d(12, 4).stride(2)");
    /// ```
    pub const fn stride(self, stride: usize) -> Layer {
        self.with(ConvOption::Stride, stride)
    }

    /// Sets the zeros added on each side of the image, in pixels. Defaults to 0.
    ///
    /// [`ConvTranspose2d`] cuts off as many rows and columns of its output instead.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(Conv2d(12, 3).padding(1).to_string(), "Conv2d(12, 3).padding(1)");
    /// ```
    pub const fn padding(self, padding: usize) -> Layer {
        self.with(ConvOption::Padding, padding)
    }

    /// Sets the distance between neighboring window elements, in pixels. Defaults to 1.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(Conv2d(12, 3).dilation(2).to_string(), "Conv2d(12, 3).dilation(2)");
    /// ```
    pub const fn dilation(self, dilation: usize) -> Layer {
        self.with(ConvOption::Dilation, dilation)
    }

    /// Sets the groups of channels that are convolved separately. Defaults to 1. The groups must
    /// divide the input and the output channels.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(Conv2d(12, 3).groups(3).to_string(), "Conv2d(12, 3).groups(3)");
    /// ```
    pub const fn groups(self, groups: usize) -> Layer {
        self.with(ConvOption::Groups, groups)
    }

    /// Sets the rows added at the bottom, and the columns at the right, of the output of a
    /// [`ConvTranspose2d`]. Defaults to 0.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let up = ConvTranspose2d(3, 3).stride(2).padding(1).output_padding(1);
    /// assert_eq!(up.to_string(), "ConvTranspose2d(3, 3).stride(2).padding(1).output_padding(1)");
    /// ```
    pub const fn output_padding(self, output_padding: usize) -> Layer {
        self.with_output_padding(output_padding, None)
    }

    /// Sets the rows added at the bottom of the output of a [`ConvTranspose2d`], and the columns
    /// added at the right. Oblong images need different numbers: of 45 x 64 pixels, a stride of 2
    /// skips one column.
    ///
    /// PyTorch: `output_padding=(rows, columns)`.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let encoder = [Conv2d(4, 3).stride(2).padding(1), Relu];
    /// let up = ConvTranspose2d(1, 3).stride(2).padding(1).output_padding_hw(0, 1);
    /// let ae = Autoencoder::new((1, 45, 64), &encoder, &[up, Sigmoid])?;
    /// assert_eq!(ae.code_shape(), [4, 23, 32]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub const fn output_padding_hw(self, rows: usize, columns: usize) -> Layer {
        self.with_output_padding(rows, Some(columns))
    }

    /// Also pools the partial windows at the bottom and at the right, of [`MaxPool2d`](crate::layer::MaxPool2d()) and
    /// [`AvgPool2d`](crate::layer::AvgPool2d()). A mean is over the pixels that a window has.
    ///
    /// PyTorch: `ceil_mode=True`. Keras: `padding="same"`, for windows of 2 x 2.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::new((1, 7, 7), &[AvgPool2d(2).ceil_mode()], &[Upsample(2).output_size(7, 7)])?;
    /// assert_eq!(ae.code_shape(), [1, 4, 4]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub const fn ceil_mode(self) -> Layer {
        const fn rounded_up(pool: PoolSettings) -> PoolSettings {
            PoolSettings {
                ceil_mode: true,
                ..pool
            }
        }
        let layer = match &self {
            Layer::MaxPool2d(pool) => Layer::MaxPool2d(rounded_up(*pool)),
            Layer::AvgPool2d(pool) => Layer::AvgPool2d(rounded_up(*pool)),
            other => other.unsupported("ceil_mode", [None, None]),
        };
        // A const fn cannot run destructors; only a residual block has anything to free.
        std::mem::forget(self);
        layer
    }

    /// Cuts off the last rows and columns of the output of [`MaxUnpool2d`](crate::layer::MaxUnpool2d()) and [`Upsample`](crate::layer::Upsample()), which
    /// undoes a pooling with [`ceil_mode`](Layer::ceil_mode). Mirrored decoders have it where they
    /// need it.
    ///
    /// PyTorch: `nn.MaxUnpool2d(n)(x, indices, output_size=(height, width))`;
    /// `nn.Upsample(size=(height, width))` for n = 2, and for others `nn.Upsample(scale_factor=n)` and
    /// `[:, :, :height, :width]`.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let encoder = [MaxPool2d(2).ceil_mode()];
    /// let ae = Autoencoder::new((1, 45, 64), &encoder, &[MaxUnpool2d(2).output_size(45, 64)])?;
    /// assert_eq!(ae.code_shape(), [1, 23, 32]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub const fn output_size(self, height: usize, width: usize) -> Layer {
        const fn cropped(unpool: UnpoolSettings, size: (usize, usize)) -> UnpoolSettings {
            UnpoolSettings {
                output_size: Some(size),
                ..unpool
            }
        }
        let size = (height, width);
        let layer = match &self {
            Layer::MaxUnpool2d(unpool) => Layer::MaxUnpool2d(cropped(*unpool, size)),
            Layer::Upsample(upsample) => Layer::Upsample(cropped(*upsample, size)),
            other => other.unsupported("output_size", [Some(height as f64), Some(width as f64)]),
        };
        // A const fn cannot run destructors; only a residual block has anything to free.
        std::mem::forget(self);
        layer
    }

    /// Sets both numbers of the output padding; without `columns`, they are equal.
    const fn with_output_padding(self, rows: usize, columns: Option<usize>) -> Layer {
        let (name, right, second) = match columns {
            Some(right) => ("output_padding_hw", right, Some(right as f64)),
            None => ("output_padding", rows, None),
        };
        let layer = match &self {
            Layer::ConvTranspose2d(transposed) => Layer::ConvTranspose2d(ConvTransposeSettings {
                output_padding: (rows, right),
                ..*transposed
            }),
            other => other.unsupported(name, [Some(rows as f64), second]),
        };
        // A const fn cannot run destructors; only a residual block has anything to free.
        std::mem::forget(self);
        layer
    }

    /// Sets an option that convolutions and transposed convolutions share.
    const fn with(self, option: ConvOption, value: usize) -> Layer {
        let layer = match &self {
            Layer::Conv2d(conv) => Layer::Conv2d(conv.with(option, value)),
            Layer::ConvTranspose2d(transposed) => Layer::ConvTranspose2d(ConvTransposeSettings {
                conv: transposed.conv.with(option, value),
                ..*transposed
            }),
            other => other.unsupported(option.name(), [Some(value as f64), None]),
        };
        // A const fn cannot run destructors; only a residual block has anything to free.
        std::mem::forget(self);
        layer
    }

    /// The error in place of this layer. The first unsupported setting is the one reported.
    pub(crate) const fn unsupported(
        &self,
        setting: &'static str,
        values: [Option<f64>; 2],
    ) -> Layer {
        match self {
            Layer::UnsupportedSetting(first) => Layer::UnsupportedSetting(*first),
            other => Layer::UnsupportedSetting(UnsupportedSetting {
                kind: other.kind_name(),
                setting,
                values,
            }),
        }
    }
}
