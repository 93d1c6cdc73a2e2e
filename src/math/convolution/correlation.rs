//! The plan of a convolution: its packed layout and the offset of each weight.

use super::geometry::{ConvGeometry, FeatureShape};

/// Number of values that vectors may read past the end of a packed row.
pub(super) const OVERREAD: usize = 64;

/// Images are stacked until a pass computes about this many positions. Small feature maps alone do
/// not fill vectors.
const TARGET_POSITIONS: usize = 1024;

/// Maximum number of stacked images.
const MAX_STACKED_IMAGES: usize = 32;

/// Number of output channels of a block. Each value that is read contributes to all of them.
pub(super) const BLOCK_CHANNELS: usize = 6;

/// A planned convolution or transposed convolution.
#[derive(Clone, Debug)]
pub(crate) struct Correlation {
    pub(super) input: FeatureShape,
    pub(super) output: FeatureShape,
    /// Maximum number of images per pass, stacked vertically.
    max_images: usize,
    /// Phases per axis of the packed input: the stride of a convolution, 1 for a transposed one.
    pub(super) input_phases: usize,
    /// Zeros above and to the left of the input.
    pub(super) margin: usize,
    /// Rows of one packed image in one phase.
    pub(super) rows: usize,
    /// Distance from one packed row to the next.
    pub(super) pitch: usize,
    /// Phases per axis of the output: the stride of a transposed convolution, 1 otherwise.
    pub(super) output_phases: usize,
    /// Rows and columns cropped from the top and left of a transposed output.
    pub(super) crop: usize,
    pub(super) phases: Vec<Phase>,
}

/// The output positions of one phase.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) taps: Vec<Tap>,
}

/// A kernel weight and the packed values that it multiplies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    /// First value in a packed channel.
    pub(super) offset: usize,
    /// Index in the flattened kernel.
    pub(super) weight: usize,
}

impl Correlation {
    /// The forward pass of a convolution.
    pub(crate) fn convolution(
        input: FeatureShape,
        output: FeatureShape,
        geometry: ConvGeometry,
    ) -> Self {
        let ConvGeometry {
            kernel_size,
            stride,
            padding,
            dilation,
        } = geometry;
        let reach = (kernel_size - 1) * dilation / stride;
        let (rows, pitch) = (output.height + reach, output.width + reach);
        let max_images = images_per_pass(rows * pitch);
        let offset = |row: usize, column: usize| {
            let phase = (row % stride) * stride + column % stride;
            phase * max_images * rows * pitch + row / stride * pitch + column / stride
        };
        let tap = |k: usize| Tap {
            offset: offset(k / kernel_size * dilation, k % kernel_size * dilation),
            weight: k,
        };
        let phase = Phase {
            rows: output.height,
            columns: output.width,
            taps: (0..kernel_size * kernel_size).map(tap).collect(),
        };
        Correlation {
            input,
            output,
            max_images,
            input_phases: stride,
            margin: padding,
            rows,
            pitch,
            output_phases: 1,
            crop: 0,
            phases: vec![phase],
        }
    }

    /// The forward pass of a transposed convolution, which is also a convolution's gradient with
    /// respect to its input.
    pub(crate) fn transposed(
        input: FeatureShape,
        output: FeatureShape,
        geometry: ConvGeometry,
    ) -> Self {
        let ConvGeometry {
            kernel_size,
            stride,
            padding,
            dilation,
        } = geometry;
        let margin = (kernel_size - 1) * dilation / stride;
        let reached = |length: usize| (length - 1 + padding) / stride + 1;
        let (rows, pitch) = (
            margin + reached(output.height),
            margin + reached(output.width),
        );
        let phase_at = |row: usize, column: usize| {
            let tap = |k: usize| {
                let (y, x) = (k / kernel_size * dilation, k % kernel_size * dilation);
                let hit = y % stride == row && x % stride == column;
                hit.then(|| Tap {
                    offset: (margin - (y - row) / stride) * pitch + margin - (x - column) / stride,
                    weight: k,
                })
            };
            let count = |length: usize, first: usize| {
                (length + padding).saturating_sub(first).div_ceil(stride)
            };
            Phase {
                rows: count(output.height, row),
                columns: count(output.width, column),
                taps: (0..kernel_size * kernel_size).filter_map(tap).collect(),
            }
        };
        let phases = (0..stride * stride).map(|phase| phase_at(phase / stride, phase % stride));
        Correlation {
            input,
            output,
            max_images: images_per_pass(rows * pitch),
            input_phases: 1,
            margin,
            rows,
            pitch,
            output_phases: stride,
            crop: padding,
            phases: phases.collect(),
        }
    }

    /// Maximum number of images per pass.
    pub(crate) fn max_images(&self) -> usize {
        self.max_images
    }

    /// Length of the packed input.
    pub(crate) fn packed_len(&self) -> usize {
        self.input.channels * self.channel_len() + OVERREAD
    }

    /// Length of one output channel, row gaps included.
    #[inline]
    pub(crate) fn output_channel_len(&self) -> usize {
        self.plane_len().next_multiple_of(OVERREAD) + OVERREAD
    }

    /// Length of the workspace of [`Correlation::run`].
    pub(crate) fn workspace_len(&self) -> usize {
        self.phases.len() * BLOCK_CHANNELS * self.output_channel_len()
    }

    /// Length of one packed channel, all phases included.
    #[inline]
    pub(super) fn channel_len(&self) -> usize {
        self.input_phases * self.input_phases * self.plane_len()
    }

    /// Length of one phase of a packed channel.
    #[inline]
    pub(super) fn plane_len(&self) -> usize {
        self.max_images * self.rows * self.pitch
    }

    /// Length of one image in a packed plane.
    #[inline]
    pub(super) fn image_len(&self) -> usize {
        self.rows * self.pitch
    }
}

/// Number of images per pass if one takes this many positions.
fn images_per_pass(positions: usize) -> usize {
    (TARGET_POSITIONS / positions.max(1)).clamp(1, MAX_STACKED_IMAGES)
}
