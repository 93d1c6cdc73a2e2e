//! The lattice on which both sides of a convolution are packed.
//!
//! A narrow value (an output of the convolution, or an input of a transposed one) is a lattice point.
//! The padded wide values are divided into phases, one for each remainder of row and column by the
//! stride, and each phase has at most one value at a point. An element of the kernel joins a point of
//! the narrow side with a point of one phase, at a fixed shift after it.

use super::geometry::{ConvGeometry, FeatureShape};

/// Images are stacked until a pass computes about this many positions. Small feature maps alone do
/// not fill vectors.
const TARGET_POSITIONS: usize = 1024;

/// Maximum number of stacked images.
const MAX_STACKED_IMAGES: usize = 32;

/// Rows and columns of the lattice, row after row and image after image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lattice {
    pub(super) rows: Axis,
    pub(super) columns: Axis,
    /// Rows of an image.
    pub(super) height: usize,
    /// Distance from one row to the next.
    pub(super) pitch: usize,
    /// Largest distance between two points that an element of the kernel joins.
    pub(super) reach: usize,
    /// Maximum number of images.
    pub(super) max_images: usize,
}

/// One axis of a lattice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    geometry: ConvGeometry,
    /// Values of the wide side.
    wide: usize,
    /// Values of the narrow side.
    narrow: usize,
}

/// Phase and distance at which an element of the kernel reads along an axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct AxisTap {
    pub(super) phase: usize,
    pub(super) shift: usize,
}

impl Axis {
    /// The element `k` of the kernel along this axis.
    pub(super) fn tap(self, k: usize) -> AxisTap {
        let at = k * self.geometry.dilation;
        AxisTap {
            phase: at % self.geometry.stride,
            shift: at / self.geometry.stride,
        }
    }

    /// Phase of the wide values `first`, `first + stride` and so on.
    pub(super) fn phase_from(self, first: usize) -> usize {
        (first + self.geometry.padding) % self.geometry.stride
    }

    /// First point of a phase with a value; before it is padding.
    pub(super) fn start(self, phase: usize) -> usize {
        let padding = self.geometry.padding.saturating_sub(phase);
        padding.div_ceil(self.geometry.stride)
    }

    /// Point after the last value of a phase.
    fn end(self, phase: usize) -> usize {
        let wide = (self.wide + self.geometry.padding).saturating_sub(phase);
        wide.div_ceil(self.geometry.stride)
    }

    /// Values of a phase.
    pub(super) fn values(self, phase: usize) -> usize {
        self.end(phase).saturating_sub(self.start(phase))
    }

    fn taps(self) -> impl Iterator<Item = AxisTap> {
        (0..self.geometry.kernel_size).map(move |k| self.tap(k))
    }

    /// Number of points. As few as possible, such that every value has a point, a read past the end of a
    /// row or image meets the padding at the start of the next one, and a read before its start meets
    /// the free points at the end of the one before.
    fn len(self) -> usize {
        let ends = (0..self.geometry.stride).map(|phase| self.end(phase));
        let reads = self
            .taps()
            .map(|tap| (self.narrow + tap.shift).saturating_sub(self.start(tap.phase)));
        ends.chain(reads).max().unwrap_or(0).max(self.narrow)
    }

    /// Largest shift.
    fn reach(self) -> usize {
        self.taps().map(|tap| tap.shift).max().unwrap_or(0)
    }
}

impl Lattice {
    pub(super) fn new(wide: FeatureShape, narrow: FeatureShape, geometry: ConvGeometry) -> Self {
        let axis = |wide, narrow| Axis {
            geometry,
            wide,
            narrow,
        };
        let rows = axis(wide.height, narrow.height);
        let columns = axis(wide.width, narrow.width);
        let (height, pitch) = (rows.len(), columns.len());
        let positions = height * pitch;
        Lattice {
            rows,
            columns,
            height,
            pitch,
            reach: rows.reach() * pitch + columns.reach(),
            max_images: (TARGET_POSITIONS / positions.max(1)).clamp(1, MAX_STACKED_IMAGES),
        }
    }

    /// Distance from one image to the next.
    #[inline]
    pub(super) fn image_len(&self) -> usize {
        self.height * self.pitch
    }

    /// Points of all images.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.max_images * self.image_len()
    }

    /// Points of a phase of the wide side, with the zeros that are read after the last image.
    #[inline]
    pub(super) fn plane_len(&self) -> usize {
        self.len() + self.reach
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(geometry: [usize; 4], wide: usize, narrow: usize) -> Axis {
        let [kernel_size, stride, padding, dilation] = geometry;
        let geometry = ConvGeometry {
            kernel_size,
            stride,
            padding,
            dilation,
        };
        Axis {
            geometry,
            wide,
            narrow,
        }
    }

    #[test]
    fn the_zero_between_two_rows_belongs_to_both() {
        // 0 1 2 3 4 | 0 1 2 3 4 | 0 ..
        assert_eq!(axis([3, 1, 1, 1], 4, 4).len(), 5);
        // Odd columns: 0 1 3 5 | 0 1 3 5; even ones: 0 2 4 .
        let strided = axis([3, 2, 1, 1], 6, 3);
        assert_eq!(strided.len(), 4);
        assert_eq!([0, 1].map(|phase| strided.start(phase)), [1, 0]);
        assert_eq!([0, 1].map(|phase| strided.values(phase)), [3, 3]);
        assert_eq!([0, 1].map(|first| strided.phase_from(first)), [1, 0]);
        // Without padding, every value has its point and no zero is needed.
        assert_eq!(axis([3, 1, 0, 1], 6, 4).len(), 6);
    }
}
