//! The arithmetic of convolutions: a picture's rows lie one after the other with a few zeros between them, so that a whole
//! map is one long row, and each weight multiplies that row from another starting point.
//!
//! A convolution of any stride, padding and dilation, its gradients, and transposed convolutions are all of this form: with
//! a stride, every second (third, ...) row and column lies in a map of its own. Results between the rows' ends are of no
//! use and dropped; at 64 columns that is one in 33.

use crate::math::real::{Real, widest};
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// Maps of one height and width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Maps {
    pub(crate) count: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Maps {
    pub(crate) fn size(self) -> usize {
        self.count * self.height * self.width
    }
}

/// What a convolution is besides its maps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ConvGeometry {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) dilation: usize,
}

/// Vectors read past the end of the rows they are about.
const SLACK: usize = 64;

/// Pictures are stacked until so many positions are computed together.
const POSITIONS: usize = 1024;

/// How many pictures of so many positions are computed together.
fn stack(positions: usize) -> usize {
    (POSITIONS / positions.max(1)).clamp(1, 32)
}

/// How the values of some maps become those of others.
#[derive(Clone, Debug)]
pub(crate) struct Correlation {
    from: Maps,
    to: Maps,
    /// So many pictures are computed together, one below the other: small maps alone do not fill vectors.
    stack: usize,
    /// Every so many rows and columns of the source lie in a map of their own.
    step_from: usize,
    /// Zeros above and to the left of the source.
    margin: usize,
    rows: usize,
    pitch: usize,
    /// Each part computes every so many rows and columns of the result, less what the padding cuts off.
    step_to: usize,
    cut: usize,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    rows: usize,
    columns: usize,
    /// Where each weight's row starts in a packed channel, and which of the kernel's weights it is.
    taps: Vec<(usize, usize)>,
}

impl Correlation {
    /// From the wide side of a convolution to the narrow one: a convolution's forward direction.
    pub(crate) fn narrowing(from: Maps, to: Maps, window: ConvGeometry) -> Self {
        let ConvGeometry {
            kernel,
            stride,
            padding,
            dilation,
        } = window;
        let reach = (kernel - 1) * dilation / stride;
        let (rows, pitch) = (to.height + reach, to.width + reach);
        let stack = stack(rows * pitch);
        let start = |row: usize, column: usize| {
            let map = (row % stride) * stride + column % stride;
            map * stack * rows * pitch + row / stride * pitch + column / stride
        };
        let taps = (0..kernel * kernel)
            .map(|k| (start(k / kernel * dilation, k % kernel * dilation), k))
            .collect();
        let part = Part {
            rows: to.height,
            columns: to.width,
            taps,
        };
        let (margin, parts) = (padding, vec![part]);
        Correlation {
            from,
            to,
            stack,
            step_from: stride,
            margin,
            rows,
            pitch,
            step_to: 1,
            cut: 0,
            parts,
        }
    }

    /// From the narrow side to the wide one: a transposed convolution's forward direction.
    pub(crate) fn widening(from: Maps, to: Maps, window: ConvGeometry) -> Self {
        let ConvGeometry {
            kernel,
            stride,
            padding,
            dilation,
        } = window;
        let margin = (kernel - 1) * dilation / stride;
        let reached = |length: usize| (length - 1 + padding) / stride + 1;
        let (rows, pitch) = (margin + reached(to.height), margin + reached(to.width));
        let mut parts = Vec::new();
        for row in 0..stride {
            for column in 0..stride {
                let fits = |k: usize| {
                    let (y, x) = (k / kernel * dilation, k % kernel * dilation);
                    let hit = y % stride == row && x % stride == column;
                    hit.then(|| {
                        (
                            (margin - (y - row) / stride) * pitch + margin - (x - column) / stride,
                            k,
                        )
                    })
                };
                let count = |length: usize, first: usize| {
                    (length + padding).saturating_sub(first).div_ceil(stride)
                };
                let (rows, columns) = (count(to.height, row), count(to.width, column));
                let taps = (0..kernel * kernel).filter_map(fits).collect();
                parts.push(Part {
                    rows,
                    columns,
                    taps,
                });
            }
        }
        let stack = stack(rows * pitch);
        Correlation {
            from,
            to,
            stack,
            step_from: 1,
            margin,
            rows,
            pitch,
            step_to: stride,
            cut: padding,
            parts,
        }
    }

    /// How many pictures are computed together, at most.
    pub(crate) fn stack(&self) -> usize {
        self.stack
    }

    /// How many values the packed sources take.
    pub(crate) fn packed(&self) -> usize {
        self.from.count * self.channel() + SLACK
    }

    fn channel(&self) -> usize {
        self.step_from * self.step_from * self.plane()
    }

    /// How many values one map of all stacked pictures takes.
    fn plane(&self) -> usize {
        self.stack * self.rows * self.pitch
    }

    /// How many values one map of results takes, between rows' ends included.
    pub(crate) fn flat(&self) -> usize {
        self.plane().next_multiple_of(SLACK) + SLACK
    }

    /// How many values the results of one block of maps take.
    pub(crate) fn workspace_len(&self) -> usize {
        self.parts.len() * BLOCK * self.flat()
    }

    /// Writes the sources' values to their places. What lies between them stays as it is: zero. The first values of two
    /// pictures stand `apart` from each other.
    pub(crate) fn pack<T: Real>(&self, sources: &[T], apart: usize, packed: &mut [T]) {
        // A step that the compiler knows costs no divisions, row by row.
        widest!(|| match self.step_from {
            1 => self.pack_by(1, sources, apart, packed),
            2 => self.pack_by(2, sources, apart, packed),
            s => self.pack_by(s, sources, apart, packed),
        });
    }

    #[inline(always)]
    fn pack_by<T: Real>(&self, s: usize, sources: &[T], apart: usize, packed: &mut [T]) {
        let Maps { height, width, .. } = self.from;
        let (plane, picture) = (self.plane(), self.rows * self.pitch);
        for (nth, source) in sources.chunks(apart).enumerate() {
            for (channel, map) in source[..self.from.size()]
                .chunks_exact(height * width)
                .enumerate()
            {
                let own = &mut packed[channel * s * s * plane + nth * picture..];
                for (y, row) in (self.margin..s * self.rows).zip(map.chunks_exact(width)) {
                    let start = y % s * s * plane + y / s * self.pitch;
                    self.pack_row(s, row, &mut own[start..]);
                }
            }
        }
    }

    #[inline(always)]
    fn pack_row<T: Real>(&self, s: usize, row: &[T], own: &mut [T]) {
        if s == 1 {
            let fits = row.len().min(self.pitch.saturating_sub(self.margin));
            copy(
                row,
                T::ZERO,
                &mut own[self.margin.min(self.pitch)..][..fits],
            );
            return;
        }
        let (margin, pitch) = (self.margin, self.pitch);
        if s == 2 {
            // Of each pair of columns, one goes to each of two maps.
            let (zero, one) = own.split_at_mut(self.plane());
            let (first, second) = if margin.is_multiple_of(2) {
                (zero, one)
            } else {
                (one, zero)
            };
            let first = &mut first[..pitch][(margin / 2).min(pitch)..];
            let second = &mut second[..pitch][margin.div_ceil(2).min(pitch)..];
            let (pairs, rest) = row.as_chunks::<2>();
            let n = pairs.len().min(first.len()).min(second.len());
            part(&pairs[..n], &mut first[..n], &mut second[..n]);
            // What is left over at the end of either.
            for (q, pair) in pairs.iter().enumerate().skip(n) {
                if let Some(to) = first.get_mut(q) {
                    *to = pair[0];
                }
                if let Some(to) = second.get_mut(q) {
                    *to = pair[1];
                }
            }
            if let (Some(to), Some(last)) = (first.get_mut(pairs.len()), rest.first()) {
                *to = *last;
            }
            return;
        }
        for phase in 0..s {
            // The first column of this phase.
            let first = (phase + s - margin % s) % s;
            let at = (first + margin) / s;
            let to = &mut own[phase * self.plane()..][at..pitch.max(at)];
            to.iter_mut()
                .zip(row.iter().skip(first).step_by(s))
                .for_each(|(to, value)| *to = *value);
        }
    }

    /// Writes results to places with zeros between the rows, as [`Correlation::weight_gradients`] reads them. The first
    /// values of two pictures stand `apart` from each other.
    pub(crate) fn flatten<T: Real>(&self, results: &[T], apart: usize, flat: &mut [T]) {
        let Maps { height, width, .. } = self.to;
        let length = self.flat();
        widest!(|| {
            for (nth, results) in results.chunks(apart).enumerate() {
                let maps = results[..self.to.size()].chunks_exact(height * width);
                for (map, flat) in maps.zip(flat.chunks_exact_mut(length)) {
                    let flat = &mut flat[nth * self.rows * self.pitch..];
                    for (row, flat) in map.chunks_exact(width).zip(flat.chunks_mut(self.pitch)) {
                        copy(row, T::ZERO, &mut flat[..width]);
                    }
                }
            }
        });
    }

    /// Puts the weights in the order in which they are used. `at` says where the weight of a result's map, a source's map
    /// and a place in the kernel stands.
    pub(crate) fn arrange<T: Real>(
        &self,
        weights: &[T],
        at: impl Fn(usize, usize, usize) -> usize,
        arranged: &mut Vec<T>,
    ) {
        arranged.clear();
        for block in blocks(self.to.count) {
            for part in &self.parts {
                for source in 0..self.from.count {
                    for (_, k) in &part.taps {
                        arranged
                            .extend(block.clone().map(|result| weights[at(result, source, *k)]));
                    }
                }
            }
        }
    }

    /// The results of packed sources: sums of their values times the weights, plus a bias for each map.
    ///
    /// `flat` is room of [`Correlation::room`] values. The first values of two pictures of the results
    /// stand `apart` from each other; there are as many as were packed.
    pub(crate) fn run<T: Real>(
        &self,
        packed: &[T],
        arranged: &[T],
        bias: Option<&[T]>,
        flat: &mut [T],
        (results, apart): (&mut [T], usize),
    ) {
        let Maps {
            height,
            width,
            count,
        } = self.to;
        let length = self.flat();
        let pictures = results.len().div_ceil(apart);
        let picture = self.rows * self.pitch;
        let mut rest = arranged;
        for block in blocks(count) {
            for (part, flat) in self.parts.iter().zip(flat.chunks_exact_mut(BLOCK * length)) {
                let positions = (part.rows * self.pitch).saturating_sub(self.pitch - part.columns);
                let (own, later) = rest.split_at(block.len() * self.from.count * part.taps.len());
                rest = later;
                if part.rows * part.columns == 0 {
                    continue;
                }
                let sum = Sum {
                    packed,
                    channels: self.from.count,
                    channel: self.channel(),
                    taps: &part.taps,
                    weights: own,
                    maps: block.len(),
                    flat,
                    length,
                    positions: (pictures - 1) * picture + positions,
                };
                Arch::new().dispatch(sum);
            }
            let flat = &*flat;
            widest!(|| {
                for (nth, map) in block.enumerate() {
                    let add = bias.map_or(T::ZERO, |bias| bias[map]);
                    for (p, result) in results.chunks_mut(apart).enumerate() {
                        let result = &mut result[map * height * width..][..height * width];
                        let flat = (&flat[nth * length + p * picture..], BLOCK * length);
                        match self.step_to {
                            1 => self.place(1, flat, add, result),
                            2 => self.place(2, flat, add, result),
                            s => self.place(s, flat, add, result),
                        }
                    }
                }
            });
        }
    }

    /// Moves the useful parts of one map to where they belong; the first values of two parts stand `apart` from each other.
    #[inline(always)]
    fn place<T: Real>(&self, s: usize, (flat, apart): (&[T], usize), add: T, result: &mut [T]) {
        let cut = self.cut;
        for (y, row) in result.chunks_exact_mut(self.to.width).enumerate() {
            // Values of the parts whose columns begin here.
            let from = |column: usize| {
                let start = ((y + cut) % s * s + column % s) * apart
                    + (y + cut) / s * self.pitch
                    + column / s;
                &flat[start..]
            };
            match s {
                1 => copy(from(cut), add, row),
                2 => {
                    let (pairs, rest) = row.as_chunks_mut::<2>();
                    let n = pairs.len();
                    interleave(&from(cut)[..n], &from(cut + 1)[..n], add, pairs);
                    rest.iter_mut()
                        .zip(&from(cut)[n..])
                        .for_each(|(to, value)| *to = *value + add);
                }
                _ => row
                    .iter_mut()
                    .enumerate()
                    .for_each(|(x, to)| *to = from(cut + x)[0] + add),
            }
        }
    }

    /// Adds to the gradient of each weight: the sum of a source's values times the gradients of what they went into. Only
    /// for [`Correlation::narrowing`]; `flat` holds the gradients as [`Correlation::flatten`] puts them.
    ///
    /// # Shapes
    /// `gradients` is (result's maps, source's maps, kernel, kernel).
    pub(crate) fn weight_gradients<T: Real>(
        &self,
        packed: &[T],
        flat: &mut [T],
        pictures: usize,
        gradients: &mut [T],
    ) {
        let part = &self.parts[0];
        let end = (pictures - 1) * self.rows * self.pitch + part.rows * self.pitch;
        let positions = end - (self.pitch - part.columns);
        // The last vector reads on; what more pictures left there before must not count.
        for map in flat.chunks_exact_mut(self.flat()).take(self.to.count) {
            map[positions..][..SLACK].fill(T::ZERO);
        }
        Arch::new().dispatch(Products {
            packed,
            channels: self.from.count,
            channel: self.channel(),
            taps: &part.taps,
            flat,
            length: self.flat(),
            maps: self.to.count,
            positions,
            gradients,
        });
    }
}

/// Runs a block for each piece of a row of `$n` values: `$at` is where it begins, `$N` how long it is. Rows of small maps are
/// shorter than the widest vectors, and what is left over would be moved value by value: the last piece begins early enough to
/// end with the row.
macro_rules! pieces {
    ($n:expr, |$at:ident, $N:ident| $piece:block) => {
        match $n {
            16.. => pieces!($n, 16, $at, $N, $piece),
            8.. => pieces!($n, 8, $at, $N, $piece),
            4.. => pieces!($n, 4, $at, $N, $piece),
            1.. => pieces!($n, 1, $at, $N, $piece),
            0 => {}
        }
    };
    ($n:expr, $size:literal, $at:ident, $N:ident, $piece:block) => {{
        const $N: usize = $size;
        for $at in (0..$n - $N).step_by($N) {
            $piece
        }
        let $at = $n - $N;
        $piece
    }};
}

/// `N` values of a row, read before anything is written: else the compiler would have to think that they may change.
#[inline(always)]
fn read<V: Copy, const N: usize>(row: &[V], at: usize) -> [V; N] {
    std::array::from_fn(|i| row[at..at + N][i])
}

/// Values of a row, plus a number.
#[inline(always)]
fn copy<T: Real>(from: &[T], add: T, to: &mut [T]) {
    pieces!(to.len(), |at, N| {
        let values = read::<T, N>(from, at).map(|value| value + add);
        to[at..at + N].copy_from_slice(&values);
    });
}

/// Values of two rows in turn, plus a number.
#[inline(always)]
fn interleave<T: Real>(even: &[T], odd: &[T], add: T, pairs: &mut [[T; 2]]) {
    pieces!(pairs.len(), |at, N| {
        let (evens, odds) = (read::<T, N>(even, at), read::<T, N>(odd, at));
        let both: [[T; 2]; N] = std::array::from_fn(|i| [evens[i] + add, odds[i] + add]);
        pairs[at..at + N].copy_from_slice(&both);
    });
}

/// The first of each pair into one row, the second into another.
#[inline(always)]
fn part<T: Real>(pairs: &[[T; 2]], first: &mut [T], second: &mut [T]) {
    pieces!(pairs.len(), |at, N| {
        let pairs = read::<[T; 2], N>(pairs, at);
        first[at..at + N].copy_from_slice(&pairs.map(|pair| pair[0]));
        second[at..at + N].copy_from_slice(&pairs.map(|pair| pair[1]));
    });
}

/// Maps that are computed together: each value that is read goes into all of them.
const BLOCK: usize = 6;

/// The fewest blocks, of nearly one size.
fn blocks(maps: usize) -> impl Iterator<Item = Range<usize>> {
    let n = maps.div_ceil(BLOCK);
    (0..n).map(move |i| i * maps / n..(i + 1) * maps / n)
}

/// One block of maps of one part.
struct Sum<'a, T> {
    packed: &'a [T],
    channels: usize,
    channel: usize,
    taps: &'a [(usize, usize)],
    weights: &'a [T],
    maps: usize,
    flat: &'a mut [T],
    length: usize,
    positions: usize,
}

impl<T: Real> WithSimd for Sum<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as there are registers for.
        if S::REGISTER_COUNT >= 32 {
            match self.maps {
                6 => sum::<S, T, 6, 4>(simd, self),
                5 => sum::<S, T, 5, 4>(simd, self),
                4 => sum::<S, T, 4, 4>(simd, self),
                3 => sum::<S, T, 3, 4>(simd, self),
                2 => sum::<S, T, 2, 4>(simd, self),
                _ => sum::<S, T, 1, 4>(simd, self),
            }
        } else {
            match self.maps {
                6 => sum::<S, T, 6, 2>(simd, self),
                5 => sum::<S, T, 5, 2>(simd, self),
                4 => sum::<S, T, 4, 2>(simd, self),
                3 => sum::<S, T, 3, 2>(simd, self),
                2 => sum::<S, T, 2, 2>(simd, self),
                _ => sum::<S, T, 1, 2>(simd, self),
            }
        }
    }
}

/// `MAPS` maps, `VECTORS` vectors of each at a time.
#[inline(always)]
fn sum<S: Simd, T: Real, const MAPS: usize, const VECTORS: usize>(simd: S, task: Sum<'_, T>) {
    let lanes = T::lanes::<S>();
    let wide = VECTORS * lanes;
    for at in (0..task.positions).step_by(wide) {
        let mut sums = [[T::splat(simd, T::ZERO); VECTORS]; MAPS];
        let mut weights = task.weights.chunks_exact(MAPS);
        for channel in 0..task.channels {
            let source = &task.packed[channel * task.channel + at..];
            for (start, _) in task.taps {
                let values = T::vectors::<S>(&source[*start..start + wide]);
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
            T::vectors_mut::<S>(&mut task.flat[nth * task.length + at..][..wide])
                .copy_from_slice(sums);
        }
    }
}

/// The gradients of all weights of one picture.
struct Products<'a, T> {
    packed: &'a [T],
    channels: usize,
    channel: usize,
    taps: &'a [(usize, usize)],
    flat: &'a [T],
    length: usize,
    maps: usize,
    positions: usize,
    gradients: &'a mut [T],
}

impl<T: Real> WithSimd for Products<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // As many sums as there are registers for: 24 of 32, or 12 of 16.
        let most = if S::REGISTER_COUNT >= 32 { 8 } else { 4 };
        let mut first = 0;
        while first < self.maps {
            let maps = [8, 4, 3, 2]
                .into_iter()
                .find(|&n| n <= most && n <= self.maps - first)
                .unwrap_or(1);
            for channel in 0..self.channels {
                let mut tap = 0;
                while tap < self.taps.len() {
                    let (place, three) = ((first, channel, tap), self.taps.len() - tap >= 3);
                    match (maps, three) {
                        (8, true) => products::<S, T, 8, 3>(simd, &mut self, place),
                        (8, false) => products::<S, T, 8, 1>(simd, &mut self, place),
                        (4, true) => products::<S, T, 4, 3>(simd, &mut self, place),
                        (4, false) => products::<S, T, 4, 1>(simd, &mut self, place),
                        (3, true) => products::<S, T, 3, 3>(simd, &mut self, place),
                        (3, false) => products::<S, T, 3, 1>(simd, &mut self, place),
                        (2, true) => products::<S, T, 2, 3>(simd, &mut self, place),
                        (2, false) => products::<S, T, 2, 1>(simd, &mut self, place),
                        (_, true) => products::<S, T, 1, 3>(simd, &mut self, place),
                        (_, false) => products::<S, T, 1, 1>(simd, &mut self, place),
                    }
                    tap += if three { 3 } else { 1 };
                }
            }
            first += maps;
        }
    }
}

#[inline(always)]
fn products<'a, S: Simd, T: Real, const MAPS: usize, const TAPS: usize>(
    simd: S,
    task: &mut Products<'a, T>,
    (first, channel, tap): (usize, usize, usize),
) {
    // Cut to one length before the loop, so that nothing is checked in it.
    let n = task.positions.div_ceil(T::lanes::<S>());
    let vectors = |values: &'a [T], start: usize| &T::vectors::<S>(&values[start..])[..n];
    let source = channel * task.channel;
    let sources: [_; TAPS] =
        std::array::from_fn(|nth| vectors(task.packed, source + task.taps[tap + nth].0));
    let gradients: [_; MAPS] =
        std::array::from_fn(|nth| vectors(task.flat, (first + nth) * task.length));
    let mut sums = [[T::splat(simd, T::ZERO); TAPS]; MAPS];
    for i in 0..n {
        let values = sources.map(|source| source[i]);
        for (sums, gradients) in sums.iter_mut().zip(gradients) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum = T::mul_add(simd, gradients[i], value, *sum);
            }
        }
    }
    for (nth, sums) in sums.iter().enumerate() {
        for (sum, (_, k)) in sums.iter().zip(&task.taps[tap..tap + TAPS]) {
            let at = ((first + nth) * task.channels + channel) * task.taps.len() + k;
            task.gradients[at] += T::total(simd, *sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, seed: usize) -> Vec<f32> {
        (0..n)
            .map(|i| (((i * 7919 + seed * 104_729) % 1009) as f32 / 504.5) - 1.0)
            .collect()
    }

    /// A convolution as its definition has it, with both gradients: result, of the source, of the weights.
    fn plain(
        wide: Maps,
        narrow: Maps,
        window: ConvGeometry,
        x: &[f32],
        w: &[f32],
        dy: &[f32],
    ) -> [Vec<f32>; 3] {
        let ConvGeometry {
            kernel,
            stride,
            padding,
            dilation,
        } = window;
        let (mut y, mut dx, mut dw) = (
            vec![0.0; narrow.size()],
            vec![0.0; wide.size()],
            vec![0.0; w.len()],
        );
        for o in 0..narrow.count {
            for i in 0..wide.count {
                for k in 0..kernel * kernel {
                    let at = (o * wide.count + i) * kernel * kernel + k;
                    for row in 0..narrow.height {
                        for column in 0..narrow.width {
                            let source_row = row * stride + k / kernel * dilation;
                            let source_column = column * stride + k % kernel * dilation;
                            if source_row < padding || source_column < padding {
                                continue;
                            }
                            let (source_row, source_column) =
                                (source_row - padding, source_column - padding);
                            if source_row >= wide.height || source_column >= wide.width {
                                continue;
                            }
                            let source =
                                (i * wide.height + source_row) * wide.width + source_column;
                            let result = (o * narrow.height + row) * narrow.width + column;
                            y[result] += w[at] * x[source];
                            dx[source] += w[at] * dy[result];
                            dw[at] += x[source] * dy[result];
                        }
                    }
                }
            }
        }
        [y, dx, dw]
    }

    fn near(what: &str, ours: &[f32], right: &[f32]) {
        for (i, (a, b)) in ours.iter().zip(right).enumerate() {
            assert!(
                (a - b).abs() < 2e-4 * b.abs().max(1.0),
                "{what}: {a} for {b} at {i}"
            );
        }
    }

    #[test]
    fn all_windows_and_sizes_agree_with_the_definition() {
        let mut tried = 0;
        for (kernel, stride, padding, dilation) in [
            (3, 1, 1, 1),
            (3, 2, 1, 1),
            (1, 1, 0, 1),
            (2, 2, 0, 1),
            (5, 1, 2, 1),
            (5, 3, 1, 1),
            (3, 1, 2, 2),
            (3, 2, 0, 2),
            (4, 3, 3, 1),
            (1, 2, 0, 1),
            (3, 4, 1, 1),
            (2, 1, 35, 70),
        ] {
            for (height, width) in [(9, 9), (8, 13), (17, 6), (40, 37)] {
                for (channels, maps) in [(1, 1), (3, 5), (5, 3), (2, 8), (1, 13)] {
                    let window = ConvGeometry {
                        kernel,
                        stride,
                        padding,
                        dilation,
                    };
                    let length = |n: usize| {
                        (n + 2 * padding)
                            .checked_sub((kernel - 1) * dilation + 1)
                            .map(|n| n / stride + 1)
                    };
                    let (Some(rows), Some(columns)) = (length(height), length(width)) else {
                        continue;
                    };
                    let wide = Maps {
                        count: channels,
                        height,
                        width,
                    };
                    let narrow = Maps {
                        count: maps,
                        height: rows,
                        width: columns,
                    };
                    let what = format!("{window:?} {wide:?} {narrow:?}");
                    let w = numbers(maps * channels * kernel * kernel, 3);
                    // As many pictures as are computed together, and fewer.
                    let narrowing = Correlation::narrowing(wide, narrow, window);
                    let widening = Correlation::widening(narrow, wide, window);
                    let pictures = narrowing.stack().min(widening.stack()).clamp(1, 3);
                    let (mut x, mut dy, mut y, mut dx) =
                        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
                    let mut dw = vec![0.0; w.len()];
                    for picture in 0..pictures {
                        let (one_x, one_dy) = (
                            numbers(wide.size(), picture),
                            numbers(narrow.size(), 9 + picture),
                        );
                        let [one_y, one_dx, one_dw] =
                            plain(wide, narrow, window, &one_x, &w, &one_dy);
                        x.extend(one_x);
                        dy.extend(one_dy);
                        y.extend(one_y);
                        dx.extend(one_dx);
                        dw.iter_mut().zip(one_dw).for_each(|(sum, one)| *sum += one);
                    }
                    let at =
                        |o: usize, i: usize, k: usize| (o * channels + i) * kernel * kernel + k;

                    let (mut packed, mut arranged) = (vec![0.0; narrowing.packed()], Vec::new());
                    let mut flat = vec![0.0; narrowing.workspace_len()];
                    let mut out = vec![f32::NAN; pictures * narrow.size()];
                    narrowing.pack(&x, wide.size(), &mut packed);
                    narrowing.arrange(&w, at, &mut arranged);
                    narrowing.run(
                        &packed,
                        &arranged,
                        None,
                        &mut flat,
                        (&mut out, narrow.size()),
                    );
                    near(&format!("forward {what}"), &out, &y);

                    let mut flat = vec![0.0; maps * narrowing.flat()];
                    narrowing.flatten(&dy, narrow.size(), &mut flat);
                    let mut gradients = vec![0.0; w.len()];
                    narrowing.weight_gradients(&packed, &mut flat, pictures, &mut gradients);
                    near(&format!("weights {what}"), &gradients, &dw);
                    // The same memory for fewer pictures: nothing is left of the others.
                    let [_, _, one_dw] = plain(
                        wide,
                        narrow,
                        window,
                        &x[..wide.size()],
                        &w,
                        &dy[..narrow.size()],
                    );
                    narrowing.pack(&x[..wide.size()], wide.size(), &mut packed);
                    narrowing.flatten(&dy[..narrow.size()], narrow.size(), &mut flat);
                    gradients.fill(0.0);
                    narrowing.weight_gradients(&packed, &mut flat, 1, &mut gradients);
                    near(&format!("weights of one {what}"), &gradients, &one_dw);

                    let mut packed = vec![0.0; widening.packed()];
                    let mut flat = vec![0.0; widening.workspace_len()];
                    let mut out = vec![0.0; pictures * wide.size()];
                    widening.pack(&dy, narrow.size(), &mut packed);
                    widening.arrange(&w, |i, o, k| at(o, i, k), &mut arranged);
                    widening.run(&packed, &arranged, None, &mut flat, (&mut out, wide.size()));
                    near(&format!("source {what}"), &out, &dx);
                    tried += 1;
                }
            }
        }
        assert!(tried > 200, "{tried}");
    }
}
