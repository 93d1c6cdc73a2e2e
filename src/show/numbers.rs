//! What a chart can be drawn from: slices, arrays, vectors, ranges and tensors of any number type.

use crate::error::Result;
use candle_core::{DType, Device, Tensor};
use std::ops::Range;

/// A row of numbers: `&[f32]`, `Vec<u8>`, `0..10`, a tensor of any shape, and the like.
pub trait Numbers {
    /// The numbers, in order.
    ///
    /// # Errors
    /// A tensor that cannot be copied from its device.
    fn numbers(&self) -> Result<Vec<f64>>;
}

/// The smallest and the largest finite value; infinity and minus infinity where there are none.
pub(crate) fn finite_range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
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
