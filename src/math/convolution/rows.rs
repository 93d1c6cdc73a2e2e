//! Copies of short rows in vectors.

use crate::math::real::Real;

/// Runs a block for each piece of a row of `$n` values: `$at` is its offset, `$N` its length.
///
/// Rows of small feature maps are shorter than the widest vectors, so the piece length depends on
/// the row. The last piece ends with the row and overlaps the one before, which avoids a scalar
/// remainder.
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

/// Reads `N` values before any write, so that the compiler need not assume aliasing between them.
#[inline(always)]
fn read<V: Copy, const N: usize>(row: &[V], at: usize) -> [V; N] {
    std::array::from_fn(|i| row[at..at + N][i])
}

/// to = from + offset
#[inline(always)]
pub(super) fn copy<T: Real>(from: &[T], offset: T, to: &mut [T]) {
    pieces!(to.len(), |at, N| {
        let values = read::<T, N>(from, at).map(|value| value + offset);
        to[at..at + N].copy_from_slice(&values);
    });
}

/// pairs = (even + offset, odd + offset)
#[inline(always)]
pub(super) fn interleave<T: Real>(even: &[T], odd: &[T], offset: T, pairs: &mut [[T; 2]]) {
    pieces!(pairs.len(), |at, N| {
        let (evens, odds) = (read::<T, N>(even, at), read::<T, N>(odd, at));
        let both: [[T; 2]; N] = std::array::from_fn(|i| [evens[i] + offset, odds[i] + offset]);
        pairs[at..at + N].copy_from_slice(&both);
    });
}

/// Splits pairs into two rows.
#[inline(always)]
pub(super) fn deinterleave<T: Real>(pairs: &[[T; 2]], first: &mut [T], second: &mut [T]) {
    pieces!(pairs.len(), |at, N| {
        let pairs = read::<[T; 2], N>(pairs, at);
        first[at..at + N].copy_from_slice(&pairs.map(|pair| pair[0]));
        second[at..at + N].copy_from_slice(&pairs.map(|pair| pair[1]));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_every_length_are_copied_interleaved_and_split_again() {
        for n in 0..70 {
            let even: Vec<f32> = (0..n).map(|i| i as f32).collect();
            let odd: Vec<f32> = even.iter().map(|v| v + 100.0).collect();
            let mut copied = vec![f32::NAN; n];
            copy(&even, 0.5, &mut copied);
            let shifted = |row: &[f32]| row.iter().map(|v| v + 0.5).collect::<Vec<_>>();
            assert_eq!(copied, shifted(&even));
            let mut pairs = vec![[f32::NAN; 2]; n];
            interleave(&even, &odd, 0.5, &mut pairs);
            let (mut first, mut second) = (vec![f32::NAN; n], vec![f32::NAN; n]);
            deinterleave(&pairs, &mut first, &mut second);
            assert_eq!((first, second), (shifted(&even), shifted(&odd)));
        }
    }
}
