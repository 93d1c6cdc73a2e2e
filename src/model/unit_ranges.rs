//! The values that hidden units take over a set of images.

use crate::error::Result;
use candle_core::Tensor;

/// The dead units at the end of training.
#[derive(Clone, Debug)]
pub(crate) struct DeadUnits {
    pub(crate) units: Vec<usize>,
    /// Sum of the features at that time. With another sum, the weights have changed since.
    pub(crate) sum: f32,
}

/// Lowest and highest value of each unit over the images so far.
pub(crate) struct UnitRanges {
    low: Tensor,
    high: Tensor,
}

impl UnitRanges {
    /// The ranges over more images.
    ///
    /// # Shapes
    /// `units` is (images, units).
    pub(crate) fn widened(ranges: Option<UnitRanges>, units: &Tensor) -> Result<UnitRanges> {
        let (low, high) = (units.min(0)?, units.max(0)?);
        Ok(match ranges {
            Some(ranges) => UnitRanges {
                low: ranges.low.minimum(&low)?,
                high: ranges.high.maximum(&high)?,
            },
            None => UnitRanges { low, high },
        })
    }

    /// The units with one value for all images.
    pub(crate) fn constant(&self) -> Result<Vec<usize>> {
        let (low, high) = (self.low.to_vec1::<f32>()?, self.high.to_vec1::<f32>()?);
        Ok((0..low.len()).filter(|&i| low[i] == high[i]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn a_unit_is_constant_over_all_batches_or_not_at_all() {
        let batch = |values: &[f32]| {
            let values = Tensor::new(values, &Device::Cpu).unwrap();
            values.reshape(((), 3)).unwrap()
        };
        let first = batch(&[0.0, 1.0, 2.0, 0.0, 1.0, 3.0]);
        let ranges = UnitRanges::widened(None, &first).unwrap();
        assert_eq!(ranges.constant().unwrap(), [0, 1]);
        let ranges = UnitRanges::widened(Some(ranges), &batch(&[0.0, 0.5, 2.0])).unwrap();
        assert_eq!(ranges.constant().unwrap(), [0]);
    }
}
