//! Sums and products over rows of numbers, in the widest instructions that the processor has: chosen when the program runs,
//! by the `pulp` crate.

use crate::math::real::{Real, widest};

/// The sum of many values.
pub(crate) fn total<T: Real>(values: &[T]) -> T {
    sum_of(
        values,
        values,
        #[inline(always)]
        |v, _| v,
    )
}

/// The sum of the squares of many values about their mean.
pub(crate) fn squares_about<T: Real>(mean: T, values: &[T]) -> T {
    sum_of(
        values,
        values,
        #[inline(always)]
        |v, _| (v - mean) * (v - mean),
    )
}

/// The sum of the products of values about their mean with others.
pub(crate) fn products_about<T: Real>(mean: T, values: &[T], others: &[T]) -> T {
    sum_of(
        values,
        others,
        #[inline(always)]
        |v, other| (v - mean) * other,
    )
}

/// Sums run in so many lanes, so that they can be vectors.
pub(crate) const LANES: usize = 32;

/// The sum of a function of pairs, in lanes.
fn sum_of<T: Real>(a: &[T], b: &[T], of: impl Fn(T, T) -> T) -> T {
    widest!(|| {
        let mut sums = [T::ZERO; LANES];
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        for (a, b) in a.iter().zip(b) {
            sums.iter_mut()
                .zip(a)
                .zip(b)
                .for_each(|((sum, a), b)| *sum += of(*a, *b));
        }
        let rest: T = a_rest.iter().zip(b_rest).map(|(a, b)| of(*a, *b)).sum();
        sums.into_iter().sum::<T>() + rest
    })
}

/// Multiplies value by value.
pub(crate) fn multiply_each<T: Real>(values: &mut [T], by: &[T]) {
    widest!(|| values.iter_mut().zip(by).for_each(|(v, by)| *v *= *by));
}

/// Adds a row to each row.
pub(crate) fn add_rows<T: Real>(values: &mut [T], row: &[T]) {
    widest!(|| {
        for values in values.chunks_exact_mut(row.len()) {
            values.iter_mut().zip(row).for_each(|(v, add)| *v += *add);
        }
    });
}

/// Adds every row to one.
pub(crate) fn sum_rows<T: Real>(sum: &mut [T], values: &[T], width: usize, first: usize) {
    widest!(|| {
        for row in values.chunks_exact(width) {
            sum.iter_mut()
                .zip(&row[first..])
                .for_each(|(sum, v)| *sum += *v);
        }
    });
}
