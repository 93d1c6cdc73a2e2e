//! Settings of pooling, unpooling and upsampling layers.

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
