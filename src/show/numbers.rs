//! The `Numbers` trait: slices, arrays, vectors, ranges and tensors as input of charts.

use crate::error::Result;
use candle_core::{DType, Device, Tensor};
use std::ops::Range;

/// A sequence of numbers: `&[f32]`, `Vec<u8>`, `0..10`, a tensor of any shape, and the like.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// use candlebook::show::Numbers;
/// let losses = Tensor::new(&[0.5f32, 0.25], &Device::Cpu)?;
/// assert_eq!(losses.numbers()?, [0.5, 0.25]);
/// assert_eq!((1..4).numbers()?, [1.0, 2.0, 3.0]);
/// # Ok::<(), candlebook::Error>(())
/// ```
pub trait Numbers {
    /// The numbers in order.
    ///
    /// # Errors
    /// If a tensor cannot be copied from its device.
    fn numbers(&self) -> Result<Vec<f64>>;
}

macro_rules! numbers {
    ($($type:ty)*) => { $(
        impl Numbers for [$type] {
            fn numbers(&self) -> Result<Vec<f64>> {
                Ok(self.iter().map(|&value| value as f64).collect())
            }
        }
        impl Numbers for Vec<$type> {
            fn numbers(&self) -> Result<Vec<f64>> {
                self.as_slice().numbers()
            }
        }
        impl<const N: usize> Numbers for [$type; N] {
            fn numbers(&self) -> Result<Vec<f64>> {
                self.as_slice().numbers()
            }
        }
    )* };
}
numbers!(f32 f64 u8 u16 u32 u64 usize i16 i32 i64);

macro_rules! ranges {
    ($($type:ty)*) => { $(
        impl Numbers for Range<$type> {
            fn numbers(&self) -> Result<Vec<f64>> {
                Ok(self.clone().map(|value| value as f64).collect())
            }
        }
    )* };
}
ranges!(u32 usize i32 i64);

impl Numbers for Tensor {
    fn numbers(&self) -> Result<Vec<f64>> {
        Ok(self
            .to_device(&Device::Cpu)?
            .to_dtype(DType::F64)?
            .flatten_all()?
            .to_vec1()?)
    }
}

impl<N: Numbers + ?Sized> Numbers for &N {
    fn numbers(&self) -> Result<Vec<f64>> {
        (**self).numbers()
    }
}
