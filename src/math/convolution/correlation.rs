//! The plan of a convolution: its packed layout and the offset of each weight.

use super::geometry::{ConvGeometry, FeatureShape};
use super::lattice::Lattice;

/// Number of values that vectors may read past the end of a packed row.
pub(super) const OVERREAD: usize = 64;

/// Values in the widest vector.
const MAX_LANES: usize = 16;

/// Number of output channels of a block. Each value that is read contributes to all of them.
pub(super) const BLOCK_CHANNELS: usize = 6;

/// A planned convolution or transposed convolution.
#[derive(Clone, Debug)]
pub(crate) struct Correlation {
    pub(super) input: FeatureShape,
    pub(super) output: FeatureShape,
    pub(super) lattice: Lattice,
    /// Phases per axis of the packed input: the stride of a convolution, 1 for a transposed one.
    pub(super) input_phases: usize,
    /// Zeros above and to the left of the input.
    pub(super) margin: usize,
    /// Zeros before the first packed value of each channel.
    pub(super) lead: usize,
    /// Length of one packed channel, all phases included.
    pub(super) channel_len: usize,
    /// Phases per axis of the output: the stride of a transposed convolution, 1 otherwise.
    pub(super) output_phases: usize,
    /// The output's phases, by their first row, then their first column.
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
        let lattice = Lattice::new(input, output, geometry);
        let ConvGeometry {
            kernel_size,
            stride,
            padding,
            ..
        } = geometry;
        let tap = |k: usize| {
            let row = lattice.rows.tap(k / kernel_size);
            let column = lattice.columns.tap(k % kernel_size);
            Tap {
                offset: (row.phase * stride + column.phase) * lattice.plane_len()
                    + row.shift * lattice.pitch
                    + column.shift,
                weight: k,
            }
        };
        let phase = Phase {
            rows: output.height,
            columns: output.width,
            taps: (0..kernel_size * kernel_size).map(tap).collect(),
        };
        Correlation {
            input,
            output,
            input_phases: stride,
            margin: padding,
            lead: 0,
            channel_len: stride * stride * lattice.plane_len(),
            output_phases: 1,
            phases: vec![phase],
            lattice,
        }
    }

    /// The forward pass of a transposed convolution, which is also a convolution's gradient with
    /// respect to its input.
    pub(crate) fn transposed(
        input: FeatureShape,
        output: FeatureShape,
        geometry: ConvGeometry,
    ) -> Self {
        let lattice = Lattice::new(output, input, geometry);
        let (kernel_size, stride) = (geometry.kernel_size, geometry.stride);
        let lead = narrow_lead(&lattice);
        let phase_from = |row: usize, column: usize| {
            let (rows, columns) = (lattice.rows, lattice.columns);
            let phase = [rows.phase_from(row), columns.phase_from(column)];
            let first = rows.start(phase[0]) * lattice.pitch + columns.start(phase[1]);
            let tap = |k: usize| {
                let (row, column) = (rows.tap(k / kernel_size), columns.tap(k % kernel_size));
                let hit = [row.phase, column.phase] == phase;
                hit.then(|| Tap {
                    offset: lead + first - row.shift * lattice.pitch - column.shift,
                    weight: k,
                })
            };
            Phase {
                rows: rows.values(phase[0]),
                columns: columns.values(phase[1]),
                taps: (0..kernel_size * kernel_size).filter_map(tap).collect(),
            }
        };
        let phases = (0..stride * stride).map(|first| phase_from(first / stride, first % stride));
        Correlation {
            input,
            output,
            input_phases: 1,
            margin: 0,
            lead,
            channel_len: narrow_channel_len(&lattice),
            output_phases: stride,
            phases: phases.collect(),
            lattice,
        }
    }

    /// Maximum number of images per pass, stacked vertically.
    pub(crate) fn max_images(&self) -> usize {
        self.lattice.max_images
    }

    /// Length of the packed input.
    pub(crate) fn packed_len(&self) -> usize {
        self.input.channels * self.channel_len + OVERREAD
    }

    /// Length of one output channel, row gaps included.
    #[inline]
    pub(super) fn output_channel_len(&self) -> usize {
        self.lattice.len().next_multiple_of(OVERREAD) + OVERREAD
    }

    /// Length of the workspace of [`Correlation::run`].
    pub(crate) fn workspace_len(&self) -> usize {
        self.phases.len() * BLOCK_CHANNELS * self.output_channel_len()
    }
}

/// Zeros before the first packed value of each channel of the narrow side. The values begin at a multiple
/// of the widest vector, because weight gradients read each of them many times.
pub(super) fn narrow_lead(lattice: &Lattice) -> usize {
    lattice.reach.next_multiple_of(MAX_LANES)
}

/// Length of one packed channel of the narrow side.
pub(super) fn narrow_channel_len(lattice: &Lattice) -> usize {
    narrow_lead(lattice) + (lattice.len() + OVERREAD).next_multiple_of(MAX_LANES)
}
