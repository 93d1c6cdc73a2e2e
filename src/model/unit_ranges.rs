//! The values that hidden units take over a set of images.

use crate::error::Result;
use candle_core::Tensor;

/// Maximum images on which units are measured after training.
const MAX_IMAGES: usize = 1000;
/// Minimum images, however large they are.
const MIN_IMAGES: usize = 32;
/// Values of all images together, if there are more than [`MIN_IMAGES`].
const MAX_VALUES: usize = 1 << 20;

/// Positions of the images on which units are measured, from all parts of a split of `n` images of
/// `values` numbers each.
pub(crate) fn measured_positions(n: usize, values: usize) -> Vec<usize> {
    let count = (MAX_VALUES / values.max(1)).clamp(MIN_IMAGES, MAX_IMAGES);
    let count = count.min(n);
    (0..count).map(|i| i * n / count).collect()
}

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

    /// Number of units.
    pub(crate) fn len(&self) -> usize {
        self.low.elem_count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn units_are_measured_on_images_from_all_parts() {
        assert_eq!(measured_positions(5, 784), [0, 1, 2, 3, 4]);
        let positions = measured_positions(60_000, 784);
        assert_eq!((positions.len(), positions[1]), (1000, 60));
        assert_eq!(measured_positions(60_000, 3 * 224 * 224).len(), 32);
        assert_eq!(measured_positions(0, 784), [0; 0]);
    }

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
