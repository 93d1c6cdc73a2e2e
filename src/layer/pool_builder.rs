//! Pooling, unpooling and upsampling layers as written in lists.

use crate::layer::layer::Layer;
use crate::layer::pool_settings::{PoolSettings, UnpoolSettings};

/// The maximum of each n x n window, without overlap. The positions of the maxima are kept for the
/// paired [`MaxUnpool2d`]. Its setting is a method of [`Layer`]: `ceil_mode`.
///
/// # Shapes
/// (b, c, h, w) -> (b, c, h/n, w/n); n must divide h and w. With `ceil_mode`, h/n and w/n are rounded
/// up.
///
/// # Examples
/// Three poolings of MNIST's images, 28-14-7-4, and back:
/// ```
/// use candlebook::prelude::*;
/// let block = |channels| [Conv2d(channels, 3).padding(1), Relu, MaxPool2d(2).ceil_mode()];
/// let encoder = [block(16), block(8), block(8)].concat();
/// let ae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
/// assert_eq!(ae.code_shape(), [8, 4, 4]);
/// assert_eq!(ae.decoder()[0], MaxUnpool2d(2).output_size(7, 7));
/// # Ok::<(), candlebook::Error>(())
/// ```
/// PyTorch: `nn.MaxPool2d(n, return_indices=True)`.
#[allow(non_snake_case)] // Reads like the variants of Layer.
pub const fn MaxPool2d(n: usize) -> Layer {
    Layer::MaxPool2d(PoolSettings::new(n))
}

/// Writes each value to the position of the paired [`MaxPool2d`]'s maximum, and zeros elsewhere. Its
/// setting is a method of [`Layer`]: `output_size`.
///
/// Pairs nest: the first unpooling undoes the last pooling. Without a pooling, as when decoding codes
/// alone, values go to the top left of their windows.
///
/// # Shapes
/// (b, c, h, w) -> (b, c, n h, n w)
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let ae = Autoencoder::new((1, 28, 28), &[MaxPool2d(4)], &[MaxUnpool2d(4)])?;
/// assert_eq!(ae.code_shape(), [1, 7, 7]);
/// # Ok::<(), candlebook::Error>(())
/// ```
/// PyTorch: `nn.MaxUnpool2d(n)`.
#[allow(non_snake_case)] // Reads like the variants of Layer.
pub const fn MaxUnpool2d(n: usize) -> Layer {
    Layer::MaxUnpool2d(UnpoolSettings::new(n))
}

/// The mean of each n x n window, without overlap. Its setting is a method of [`Layer`]: `ceil_mode`.
///
/// # Shapes
/// (b, c, h, w) -> (b, c, h/n, w/n); n must divide h and w. With `ceil_mode`, h/n and w/n are rounded
/// up.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let ae = Autoencoder::symmetric((1, 28, 28), &[Conv2d(4, 3).padding(1), AvgPool2d(2)])?;
/// assert_eq!(ae.decoder()[0], Upsample(2));
/// # Ok::<(), candlebook::Error>(())
/// ```
/// PyTorch: `nn.AvgPool2d(n)`.
#[allow(non_snake_case)] // Reads like the variants of Layer.
pub const fn AvgPool2d(n: usize) -> Layer {
    Layer::AvgPool2d(PoolSettings::new(n))
}

/// Repeats every value n x n times. Its setting is a method of [`Layer`]: `output_size`.
///
/// # Shapes
/// (b, c, h, w) -> (b, c, n h, n w)
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let decoder = [Linear(49), Unflatten(1, 7, 7), Upsample(4), Sigmoid];
/// let ae = Autoencoder::new((1, 28, 28), &[Flatten, Linear(8)], &decoder)?;
/// assert_eq!(ae.code_shape(), [8]);
/// # Ok::<(), candlebook::Error>(())
/// ```
/// PyTorch: `nn.Upsample(scale_factor=n)`, mode "nearest".
#[allow(non_snake_case)] // Reads like the variants of Layer.
pub const fn Upsample(n: usize) -> Layer {
    Layer::Upsample(UnpoolSettings::new(n))
}
