//! Forward pass: sums of packed values times weights, plus a bias per channel.

use super::correlation::{BLOCK_CHANNELS, Correlation, Phase, Tap};
use super::geometry::{FeatureShape, ImagesMut};
use super::rows::{copy, interleave};
use crate::math::real::Real;
use crate::math::simd::widest;
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

impl Correlation {
    /// Reorders weights as [`Correlation::run`] reads them. `index(output channel, input channel,
    /// k)` is the index in `weights` of element `k` of that kernel.
    pub(crate) fn reorder_weights<T: Real>(
        &self,
        weights: &[T],
        index: impl Fn(usize, usize, usize) -> usize,
        reordered: &mut Vec<T>,
    ) {
        reordered.clear();
        for block in blocks(self.output.channels) {
            for phase in &self.phases {
                for input in 0..self.input.channels {
                    for tap in &phase.taps {
                        let channels = block.clone();
                        reordered.extend(
                            channels.map(|output| weights[index(output, input, tap.weight)]),
                        );
                    }
                }
            }
        }
    }

    /// Computes the output of packed images.
    ///
    /// `weights` come from [`Correlation::reorder_weights`], `workspace` has
    /// [`Correlation::workspace_len`] values, and `output` has as many images as were packed.
    pub(crate) fn run<T: Real>(
        &self,
        packed: &[T],
        weights: &[T],
        bias: Option<&[T]>,
        workspace: &mut [T],
        output: ImagesMut<'_, T>,
    ) {
        let ImagesMut { values, stride } = output;
        let images = values.len().div_ceil(stride);
        let length = self.output_channel_len();
        let mut remaining = weights;
        for block in blocks(self.output.channels) {
            let phases = workspace.chunks_exact_mut(BLOCK_CHANNELS * length);
            for (phase, sums) in self.phases.iter().zip(phases) {
                let n = block.len() * self.input.channels * phase.taps.len();
                let (weights, later) = remaining.split_at(n);
                remaining = later;
                if phase.rows * phase.columns == 0 {
                    continue;
                }
                Arch::new().dispatch(BlockSums {
                    packed,
                    input_channels: self.input.channels,
                    channel_len: self.channel_len,
                    taps: &phase.taps,
                    weights,
                    output_channels: block.len(),
                    sums,
                    row_len: length,
                    positions: (images - 1) * self.lattice.image_len() + self.positions(phase),
                });
            }
            let output = ImagesMut {
                values: &mut *values,
                stride,
            };
            self.unpack_block(block, bias, workspace, output);
        }
    }

    /// Positions of one image in a phase: to the last column of the last row.
    fn positions(&self, phase: &Phase) -> usize {
        let pitch = self.lattice.pitch;
        (phase.rows * pitch).saturating_sub(pitch - phase.columns)
    }

    /// Moves the sums of a block of channels to the output and adds the bias.
    fn unpack_block<T: Real>(
        &self,
        block: Range<usize>,
        bias: Option<&[T]>,
        workspace: &[T],
        output: ImagesMut<'_, T>,
    ) {
        let FeatureShape { height, width, .. } = self.output;
        let length = self.output_channel_len();
        let image_len = self.lattice.image_len();
        widest!(|| {
            for (nth, channel) in block.enumerate() {
                let bias = bias.map_or(T::ZERO, |bias| bias[channel]);
                for (p, image) in output.values.chunks_mut(output.stride).enumerate() {
                    let plane = &mut image[channel * height * width..][..height * width];
                    let sums = PhaseSums {
                        values: &workspace[nth * length + p * image_len..],
                        stride: BLOCK_CHANNELS * length,
                    };
                    match self.output_phases {
                        1 => self.unpack_plane(1, sums, bias, plane),
                        2 => self.unpack_plane(2, sums, bias, plane),
                        s => self.unpack_plane(s, sums, bias, plane),
                    }
                }
            }
        });
    }

    /// Interleaves the phases of one channel and drops the values between rows.
    #[inline(always)]
    fn unpack_plane<T: Real>(&self, s: usize, sums: PhaseSums<'_, T>, bias: T, plane: &mut [T]) {
        let pitch = self.lattice.pitch;
        for (y, row) in plane.chunks_exact_mut(self.output.width).enumerate() {
            // The row's first phase. Each column up to the stride begins another one.
            let start = y % s * s * sums.stride + y / s * pitch;
            let first = &sums.values[start..];
            match s {
                1 => copy(first, bias, row),
                2 => {
                    let second = &first[sums.stride..];
                    let (pairs, rest) = row.as_chunks_mut::<2>();
                    let n = pairs.len();
                    interleave(&first[..n], &second[..n], bias, pairs);
                    if let Some(last) = rest.first_mut() {
                        *last = first[n] + bias;
                    }
                }
                _ => {
                    for (x, to) in row.iter_mut().enumerate() {
                        *to = first[x % s * sums.stride + x / s] + bias;
                    }
                }
            }
        }
    }
}

/// Sums of one image and channel in all phases.
#[derive(Clone, Copy)]
struct PhaseSums<'a, T> {
    values: &'a [T],
    /// Distance from one phase's first value to the next phase's.
    stride: usize,
}

/// Splits channels into the fewest blocks, of nearly equal size.
fn blocks(channels: usize) -> impl Iterator<Item = Range<usize>> {
    let n = channels.div_ceil(BLOCK_CHANNELS);
    (0..n).map(move |i| i * channels / n..(i + 1) * channels / n)
}

/// The sums of one block of output channels in one phase.
struct BlockSums<'a, T> {
    packed: &'a [T],
    input_channels: usize,
    channel_len: usize,
    taps: &'a [Tap],
    weights: &'a [T],
    output_channels: usize,
    sums: &'a mut [T],
    row_len: usize,
    positions: usize,
}

impl<T: Real> WithSimd for BlockSums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many accumulators as fit in the registers.
        if S::REGISTER_COUNT >= 32 {
            match self.output_channels {
                6 => sum_block::<S, T, 6, 4>(simd, self),
                5 => sum_block::<S, T, 5, 4>(simd, self),
                4 => sum_block::<S, T, 4, 4>(simd, self),
                3 => sum_block::<S, T, 3, 4>(simd, self),
                2 => sum_block::<S, T, 2, 4>(simd, self),
                _ => sum_block::<S, T, 1, 4>(simd, self),
            }
        } else {
            match self.output_channels {
                6 => sum_block::<S, T, 6, 2>(simd, self),
                5 => sum_block::<S, T, 5, 2>(simd, self),
                4 => sum_block::<S, T, 4, 2>(simd, self),
                3 => sum_block::<S, T, 3, 2>(simd, self),
                2 => sum_block::<S, T, 2, 2>(simd, self),
                _ => sum_block::<S, T, 1, 2>(simd, self),
            }
        }
    }
}

/// Computes `CHANNELS` output channels, `VECTORS` vectors of each at a time.
#[inline(always)]
fn sum_block<S: Simd, T: Real, const CHANNELS: usize, const VECTORS: usize>(
    simd: S,
    task: BlockSums<'_, T>,
) {
    let lanes = T::lanes::<S>();
    let wide = VECTORS * lanes;
    for at in (0..task.positions).step_by(wide) {
        let mut sums = [[T::splat(simd, T::ZERO); VECTORS]; CHANNELS];
        let mut weights = task.weights.chunks_exact(CHANNELS);
        for channel in 0..task.input_channels {
            let source = &task.packed[channel * task.channel_len + at..];
            for tap in task.taps {
                let values = T::as_vectors::<S>(&source[tap.offset..tap.offset + wide]);
                let Some(weights) = weights.next() else {
                    return;
                };
                for (sums, &weight) in sums.iter_mut().zip(weights) {
                    let weight = T::splat(simd, weight);
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum = T::mul_add(simd, weight, *value, *sum);
                    }
                }
            }
        }
        for (nth, sums) in sums.iter().enumerate() {
            T::as_vectors_mut::<S>(&mut task.sums[nth * task.row_len + at..][..wide])
                .copy_from_slice(sums);
        }
    }
}
