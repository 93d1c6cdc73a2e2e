//! Pooling, unpooling and upsampling layers as written in lists, and their settings.

use crate::layer::layer::Layer;
use serde::{Deserialize, Serialize};

/// Settings of a [`MaxPool2d`](crate::layer::MaxPool2d()) or [`AvgPool2d`](crate::layer::AvgPool2d()).
///
/// # Examples
/// ```
/// use candlebook::layer::{Layer, MaxPool2d, PoolSettings};
/// let settings = PoolSettings { ceil_mode: true, ..PoolSettings::new(2) };
/// assert_eq!(MaxPool2d(2).ceil_mode(), Layer::MaxPool2d(settings));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredPool", into = "StoredPool")]
pub struct PoolSettings {
    /// Height and width of the windows, and the distance between them.
    pub size: usize,
    /// True if the partial windows at the bottom and at the right are pooled, too. Defaults to
    /// false: the size must divide height and width.
    pub ceil_mode: bool,
}

impl PoolSettings {
    /// Whole windows of `size` x `size`.
    ///
    /// # Examples
    /// ```
    /// assert!(!candlebook::layer::PoolSettings::new(2).ceil_mode);
    /// ```
    pub const fn new(size: usize) -> Self {
        PoolSettings {
            size,
            ceil_mode: false,
        }
    }

    /// The settings as written in code, after the name of the layer.
    pub(crate) fn call(&self) -> String {
        let ceil_mode = if self.ceil_mode { ".ceil_mode()" } else { "" };
        format!("({}){ceil_mode}", self.size)
    }

    /// The unpooling or upsampling that restores images of this shape.
    pub(crate) fn inverse(self, input: &[usize]) -> UnpoolSettings {
        let (h, w) = (input[1], input[2]);
        let whole = h.is_multiple_of(self.size) && w.is_multiple_of(self.size);
        UnpoolSettings {
            size: self.size,
            output_size: (!whole).then_some((h, w)),
        }
    }
}

/// Settings of a [`MaxUnpool2d`](crate::layer::MaxUnpool2d()) or
/// [`Upsample`](crate::layer::Upsample()).
///
/// # Examples
/// ```
/// use candlebook::layer::{Layer, UnpoolSettings, Upsample};
/// let settings = UnpoolSettings { output_size: Some((7, 7)), ..UnpoolSettings::new(2) };
/// assert_eq!(Upsample(2).output_size(7, 7), Layer::Upsample(settings));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredUnpool", into = "StoredUnpool")]
pub struct UnpoolSettings {
    /// Height and width of the windows that values become.
    pub size: usize,
    /// Height and width of the output, whose last rows and columns are cut off. Defaults to whole
    /// windows.
    pub output_size: Option<(usize, usize)>,
}

impl UnpoolSettings {
    /// Whole windows of `size` x `size`.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(candlebook::layer::UnpoolSettings::new(2).output_size, None);
    /// ```
    pub const fn new(size: usize) -> Self {
        UnpoolSettings {
            size,
            output_size: None,
        }
    }

    /// The settings as written in code, after the name of the layer.
    pub(crate) fn call(&self) -> String {
        match self.output_size {
            Some((h, w)) => format!("({}).output_size({h}, {w})", self.size),
            None => format!("({})", self.size),
        }
    }

    /// The pooling that undoes it.
    pub(crate) const fn inverse(self) -> PoolSettings {
        PoolSettings {
            size: self.size,
            ceil_mode: self.output_size.is_some(),
        }
    }
}

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

/// Settings in files: a number if there is nothing but the size.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredPool {
    Size(usize),
    Settings { size: usize, ceil_mode: bool },
}

impl From<StoredPool> for PoolSettings {
    fn from(stored: StoredPool) -> Self {
        match stored {
            StoredPool::Size(size) => PoolSettings::new(size),
            StoredPool::Settings { size, ceil_mode } => PoolSettings { size, ceil_mode },
        }
    }
}

impl From<PoolSettings> for StoredPool {
    fn from(PoolSettings { size, ceil_mode }: PoolSettings) -> Self {
        if ceil_mode {
            StoredPool::Settings { size, ceil_mode }
        } else {
            StoredPool::Size(size)
        }
    }
}

/// Settings in files: a number if there is nothing but the size.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredUnpool {
    Size(usize),
    Settings {
        size: usize,
        output_size: (usize, usize),
    },
}

impl From<StoredUnpool> for UnpoolSettings {
    fn from(stored: StoredUnpool) -> Self {
        match stored {
            StoredUnpool::Size(size) => UnpoolSettings::new(size),
            StoredUnpool::Settings { size, output_size } => UnpoolSettings {
                size,
                output_size: Some(output_size),
            },
        }
    }
}

impl From<UnpoolSettings> for StoredUnpool {
    fn from(UnpoolSettings { size, output_size }: UnpoolSettings) -> Self {
        match output_size {
            Some(output_size) => StoredUnpool::Settings { size, output_size },
            None => StoredUnpool::Size(size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_restores_the_height_and_width() {
        let pool = PoolSettings {
            ceil_mode: true,
            ..PoolSettings::new(2)
        };
        assert_eq!(pool.inverse(&[3, 6, 8]).output_size, None);
        let unpool = pool.inverse(&[3, 7, 8]);
        assert_eq!(unpool.output_size, Some((7, 8)));
        assert_eq!(unpool.inverse(), pool);
        assert_eq!(UnpoolSettings::new(3).inverse(), PoolSettings::new(3));
    }
}
