//! Sums over slices and operations on rows, in the widest vector instructions of the processor.

use super::real::Real;
use super::simd::widest;

/// Number of partial sums. The loop over them vectorizes, because its order of additions is fixed.
pub(crate) const LANES: usize = 32;

/// Σ v
pub(crate) fn sum<T: Real>(values: &[T]) -> T {
    sum_of(
        values,
        values,
        #[inline(always)]
        |v, _| v,
    )
}

/// Σ v²
pub(crate) fn sum_of_squares<T: Real>(values: &[T]) -> T {
    sum_of(
        values,
        values,
        #[inline(always)]
        |v, w| v * w,
    )
}

/// Σ (v - mean)²
pub(crate) fn centered_sum_of_squares<T: Real>(mean: T, values: &[T]) -> T {
    sum_of(
        values,
        values,
        #[inline(always)]
        |v, _| (v - mean) * (v - mean),
    )
}

/// Σ (v - mean) w
pub(crate) fn centered_dot<T: Real>(mean: T, values: &[T], weights: &[T]) -> T {
    sum_of(
        values,
        weights,
        #[inline(always)]
        |v, w| (v - mean) * w,
    )
}

/// Σ v w
pub(crate) fn dot<T: Real>(values: &[T], weights: &[T]) -> T {
    sum_of(
        values,
        weights,
        #[inline(always)]
        |v, w| v * w,
    )
}

/// Σ f(a, b), in [`LANES`] partial sums.
fn sum_of<T: Real>(a: &[T], b: &[T], f: impl Fn(T, T) -> T) -> T {
    widest!(|| {
        let mut sums = [T::ZERO; LANES];
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        for (a, b) in a.iter().zip(b) {
            sums.iter_mut()
                .zip(a)
                .zip(b)
                .for_each(|((sum, a), b)| *sum += f(*a, *b));
        }
        let rest: T = a_rest.iter().zip(b_rest).map(|(a, b)| f(*a, *b)).sum();
        sums.into_iter().sum::<T>() + rest
    })
}

/// Returns true if the condition holds for any value. Whole vectors are compared if it is an expression
/// without `&&` and `||`; only blocks end early.
pub(crate) fn any<T: Copy>(values: &[T], condition: impl Fn(T) -> bool) -> bool {
    const BLOCK_VALUES: usize = 4096;
    let count =
        |block: &[T]| -> u32 { widest!(|| block.iter().map(|v| u32::from(condition(*v))).sum()) };
    values.chunks(BLOCK_VALUES).any(|block| count(block) > 0)
}

/// Multiplies element by element: values *= factors.
pub(crate) fn mul_assign<T: Real>(values: &mut [T], factors: &[T]) {
    widest!(|| values.iter_mut().zip(factors).for_each(|(v, f)| *v *= *f));
}

/// Adds a multiple of other values: values += factor added.
pub(crate) fn add_scaled<T: Real>(values: &mut [T], factor: T, added: &[T]) {
    widest!(|| {
        values
            .iter_mut()
            .zip(added)
            .for_each(|(v, add)| *v += factor * *add);
    });
}

/// Adds a row to every row of a matrix.
///
/// # Shapes
/// `values` is (n, `row.len()`).
pub(crate) fn add_to_rows<T: Real>(values: &mut [T], row: &[T]) {
    widest!(|| {
        for values in values.chunks_exact_mut(row.len()) {
            values.iter_mut().zip(row).for_each(|(v, add)| *v += *add);
        }
    });
}

/// Adds the sums of the columns from `first_column` on to `sums`.
///
/// # Shapes
/// `values` is (n, `columns`).
pub(crate) fn add_column_sums<T: Real>(
    sums: &mut [T],
    values: &[T],
    columns: usize,
    first_column: usize,
) {
    widest!(|| {
        for row in values.chunks_exact(columns) {
            sums.iter_mut()
                .zip(&row[first_column..])
                .for_each(|(sum, v)| *sum += *v);
        }
    });
}

/// Sums of squares of the columns.
///
/// # Shapes
/// `values` is (n, `columns`).
pub(crate) fn column_squares<T: Real>(values: &[T], columns: usize) -> Vec<T> {
    let mut sums = vec![T::ZERO; columns];
    widest!(|| {
        for row in values.chunks_exact(columns) {
            sums.iter_mut()
                .zip(row)
                .for_each(|(sum, v)| *sum += *v * *v);
        }
    });
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_finds_a_value_at_every_place() {
        for n in [1, 31, 4096, 4100] {
            let mut values = vec![0.5f32; n];
            let outside = |v: f32| !(0.0..=1.0).contains(&v);
            assert!(!any(&values, outside));
            for place in [0, n / 2, n - 1] {
                for wrong in [-0.1, 1.1, f32::NAN] {
                    values[place] = wrong;
                    assert!(any(&values, outside), "{wrong} at {place} of {n}");
                    values[place] = 0.5;
                }
            }
        }
        assert!(!any(&[], |v: f32| v.is_nan()));
    }

    #[test]
    fn sums_count_every_value_of_any_length() {
        for n in [0, 1, 31, 32, 33, 100] {
            let values: Vec<f64> = (0..n).map(f64::from).collect();
            let weights: Vec<f64> = values.iter().map(|v| 2.0 - v).collect();
            let expect = |f: fn(f64, f64) -> f64| -> f64 {
                values.iter().zip(&weights).map(|(v, w)| f(*v, *w)).sum()
            };
            assert_eq!(sum(&values), expect(|v, _| v), "{n}");
            assert_eq!(
                centered_sum_of_squares(3.0, &values),
                expect(|v, _| (v - 3.0) * (v - 3.0)),
                "{n}"
            );
            assert_eq!(
                centered_dot(3.0, &values, &weights),
                expect(|v, w| (v - 3.0) * w),
                "{n}"
            );
            assert_eq!(dot(&values, &weights), expect(|v, w| v * w), "{n}");
            let mut sums = weights.clone();
            add_scaled(&mut sums, 3.0, &values);
            let added = |i: usize| weights[i] + 3.0 * values[i];
            assert!((0..values.len()).all(|i| sums[i] == added(i)), "{n}");
        }
    }

    #[test]
    fn rows_are_added_to_scaled_and_summed() {
        let mut values = [1f32, 2.0, 3.0, 4.0, 5.0, 6.0]; // (2, 3)
        add_to_rows(&mut values, &[10.0, 20.0, 30.0]);
        assert_eq!(values, [11.0, 22.0, 33.0, 14.0, 25.0, 36.0]);
        mul_assign(&mut values, &[0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
        assert_eq!(values, [0.0, 22.0, 66.0, 0.0, 25.0, 72.0]);
        let mut sums = [0.5, 0.5];
        add_column_sums(&mut sums, &values, 3, 1);
        assert_eq!(sums, [47.5, 138.5]);
        assert_eq!(
            column_squares(&values, 3),
            [0.0, 22.0 * 22.0 + 25.0 * 25.0, 66.0 * 66.0 + 72.0 * 72.0]
        );
    }
}
