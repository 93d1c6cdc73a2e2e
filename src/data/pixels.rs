//! Storage of a split's images: bytes or floats in memory, or photographs decoded on demand.

use crate::data::photo::PhotoStream;
use crate::math::{Interval, Real, widest};
use std::sync::Arc;

/// All images of a source. Splits of one source share it.
#[derive(Clone, Debug)]
pub(crate) enum Pixels {
    /// Bytes from 0 to 255, (n, c, h, w).
    Bytes(Arc<Vec<u8>>),
    /// Floats, (n, c, h, w): in [0, 1] for images, of any range for vectors.
    Floats(Arc<Vec<f32>>),
    /// Photographs that are decoded when they are asked for.
    Streamed(Arc<PhotoStream>),
}

impl Pixels {
    /// The stream, if images are decoded on demand.
    pub(crate) fn stream(&self) -> Option<&Arc<PhotoStream>> {
        match self {
            Pixels::Streamed(stream) => Some(stream),
            _ => None,
        }
    }

    /// An interval that contains all values.
    pub(crate) fn value_range(&self) -> Interval {
        match self {
            Pixels::Floats(floats) => Interval::of(floats),
            Pixels::Bytes(_) | Pixels::Streamed(_) => Interval::UNIT,
        }
    }

    /// Returns true if both decode from the same stream.
    pub(crate) fn same_stream(&self, other: &Pixels) -> bool {
        match (self.stream(), other.stream()) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// Converts bytes to floats in [0, 1].
pub(crate) fn to_floats<T: Real>(bytes: &[u8], values: &mut [T]) {
    let each = values.iter_mut().zip(bytes);
    widest!(|| each.for_each(|(value, &byte)| *value = (f32::from(byte) / 255.0).into()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_divided_by_255() {
        let mut values = [0f32; 3];
        to_floats(&[0, 51, 255], &mut values);
        assert_eq!(values, [0.0, 0.2, 1.0]);
    }
}
