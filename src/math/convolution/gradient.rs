//! Weight gradients: for each weight, the sum of input values times output gradients.

use super::correlation::{Correlation, OVERREAD, Tap, narrow_channel_len, narrow_lead};
use crate::math::real::Real;
use pulp::{Arch, Simd, WithSimd};

impl Correlation {
    /// Adds the weight gradients of a [`Correlation::convolution`] to `gradients`.
    ///
    /// `wide` comes from its [`Correlation::pack`], `narrow` from that of the
    /// [`Correlation::transposed`] in the other direction.
    ///
    /// # Shapes
    /// `gradients` is (output channels, input channels, kernel size, kernel size).
    pub(crate) fn weight_gradients<T: Real>(
        &self,
        wide: &[T],
        narrow: &mut [T],
        images: usize,
        gradients: &mut [T],
    ) {
        let phase = &self.phases[0];
        let lattice = &self.lattice;
        let end = (images - 1) * lattice.image_len() + phase.rows * lattice.pitch;
        let positions = end - (lattice.pitch - phase.columns);
        let (lead, row_len) = (narrow_lead(lattice), narrow_channel_len(lattice));
        // The last vector reads further: clear what an earlier, larger batch left there.
        let channels = narrow.chunks_exact_mut(row_len);
        for channel in channels.take(self.output.channels) {
            channel[lead + positions..][..OVERREAD].fill(T::ZERO);
        }
        Arch::new().dispatch(Products {
            wide,
            input_channels: self.input.channels,
            channel_len: self.channel_len,
            taps: &phase.taps,
            narrow: &narrow[lead..],
            row_len,
            output_channels: self.output.channels,
            positions,
            gradients,
        });
    }
}

/// Maximum number of positions whose products are added for all weights before those of the next ones,
/// so that the values of all channels stay in the cache.
const MAX_STRIP: usize = 2048;

/// The gradients of all weights.
struct Products<'a, T> {
    wide: &'a [T],
    input_channels: usize,
    channel_len: usize,
    taps: &'a [Tap],
    narrow: &'a [T],
    row_len: usize,
    output_channels: usize,
    positions: usize,
    gradients: &'a mut [T],
}

/// A tile of weights, and the positions whose products are added.
#[derive(Clone, Copy)]
struct Tile {
    output: usize,
    input: usize,
    tap: usize,
    /// First position.
    at: usize,
    /// Number of vectors.
    vectors: usize,
}

impl<T: Real> WithSimd for Products<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let lanes = T::lanes::<S>();
        let vectors = self.positions.div_ceil(lanes);
        let strips = self.positions.div_ceil(MAX_STRIP).max(1);
        let strip = vectors.div_ceil(strips).max(1);
        for first in (0..vectors).step_by(strip) {
            self.add_strip(simd, first * lanes, strip.min(vectors - first));
        }
    }
}

impl<T: Real> Products<'_, T> {
    /// Adds the products of a strip of positions.
    #[inline(always)]
    fn add_strip<S: Simd>(&mut self, simd: S, at: usize, vectors: usize) {
        // As many accumulators as fit in the registers: 24 of 32, or 12 of 16.
        let max_channels = if S::REGISTER_COUNT >= 32 { 8 } else { 4 };
        let mut output = 0;
        while output < self.output_channels {
            let channels = [8, 4, 3, 2]
                .into_iter()
                .find(|&n| n <= max_channels && n <= self.output_channels - output)
                .unwrap_or(1);
            for input in 0..self.input_channels {
                let mut tap = 0;
                while tap < self.taps.len() {
                    let tile = Tile {
                        output,
                        input,
                        tap,
                        at,
                        vectors,
                    };
                    let three = self.taps.len() - tap >= 3;
                    match (channels, three) {
                        (8, true) => add_products::<S, T, 8, 3>(simd, self, tile),
                        (8, false) => add_products::<S, T, 8, 1>(simd, self, tile),
                        (4, true) => add_products::<S, T, 4, 3>(simd, self, tile),
                        (4, false) => add_products::<S, T, 4, 1>(simd, self, tile),
                        (3, true) => add_products::<S, T, 3, 3>(simd, self, tile),
                        (3, false) => add_products::<S, T, 3, 1>(simd, self, tile),
                        (2, true) => add_products::<S, T, 2, 3>(simd, self, tile),
                        (2, false) => add_products::<S, T, 2, 1>(simd, self, tile),
                        (_, true) => add_products::<S, T, 1, 3>(simd, self, tile),
                        (_, false) => add_products::<S, T, 1, 1>(simd, self, tile),
                    }
                    tap += if three { 3 } else { 1 };
                }
            }
            output += channels;
        }
    }
}

/// Adds the gradients of `CHANNELS` output channels and `TAPS` taps of one input channel.
#[inline(always)]
fn add_products<'a, S: Simd, T: Real, const CHANNELS: usize, const TAPS: usize>(
    simd: S,
    task: &mut Products<'a, T>,
    tile: Tile,
) {
    // Slices of one length need no bounds checks in the loop.
    let n = tile.vectors;
    let vectors = |values: &'a [T], start: usize| &T::as_vectors::<S>(&values[start..])[..n];
    let source = tile.input * task.channel_len + tile.at;
    let sources: [_; TAPS] =
        std::array::from_fn(|nth| vectors(task.wide, source + task.taps[tile.tap + nth].offset));
    let gradients: [_; CHANNELS] = std::array::from_fn(|nth| {
        vectors(task.narrow, (tile.output + nth) * task.row_len + tile.at)
    });
    let mut sums = [[T::splat(simd, T::ZERO); TAPS]; CHANNELS];
    for i in 0..n {
        let values = sources.map(|source| source[i]);
        for (sums, gradients) in sums.iter_mut().zip(gradients) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum = T::mul_add(simd, gradients[i], value, *sum);
            }
        }
    }
    for (nth, sums) in sums.iter().enumerate() {
        for (sum, tap) in sums.iter().zip(&task.taps[tile.tap..tile.tap + TAPS]) {
            let filter = (tile.output + nth) * task.input_channels + tile.input;
            let at = filter * task.taps.len() + tap.weight;
            task.gradients[at] += T::reduce_sum(simd, *sum);
        }
    }
}
