//! Matrix products on one thread, by the `gemm` crate, whose call is `unsafe`; and matrices turned.

use crate::math::real::{Real, widest};
use gemm::Parallelism;

/// Numbers seen as a matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, T> {
    values: &'a [T],
    rows: usize,
    columns: usize,
    /// From one row to the next, and from one column to the next.
    strides: (usize, usize),
}

impl<'a, T: Real> Matrix<'a, T> {
    /// Rows one after the other.
    pub(crate) fn new(values: &'a [T], rows: usize, columns: usize) -> Self {
        assert!(
            values.len() >= rows * columns,
            "{} values are no {rows} x {columns} matrix",
            values.len()
        );
        Matrix {
            values,
            rows,
            columns,
            strides: (columns, 1),
        }
    }

    /// Some of its columns.
    pub(crate) fn narrow(self, first: usize, columns: usize) -> Self {
        assert!(
            first + columns <= self.columns,
            "columns {first} to {} of {}",
            first + columns,
            self.columns
        );
        Matrix {
            values: &self.values[first * self.strides.1..],
            columns,
            ..self
        }
    }

    /// Rows for columns.
    pub(crate) fn transposed(self) -> Self {
        Matrix {
            rows: self.columns,
            columns: self.rows,
            strides: (self.strides.1, self.strides.0),
            ..self
        }
    }

    /// How many values it reaches to.
    fn reach(&self) -> usize {
        if self.rows * self.columns == 0 {
            return 0;
        }
        (self.rows - 1) * self.strides.0 + (self.columns - 1) * self.strides.1 + 1
    }
}

/// c = a b, or c += a b where `add` is set.
///
/// # Shapes
/// (m, k) x (k, n) -> (m, n), its rows one after the other.
pub(crate) fn multiply<T: Real>(a: Matrix<T>, b: Matrix<T>, c: &mut [T], add: bool) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert!(
        b.rows == k && c.len() >= m * n,
        "({m}, {k}) x ({}, {n}) into {} values",
        b.rows,
        c.len()
    );
    assert!(
        a.reach() <= a.values.len() && b.reach() <= b.values.len(),
        "a matrix that is larger than its values"
    );
    if m * n == 0 {
        return;
    }
    // What c is multiplied by, then what the product is.
    let (alpha, beta) = (if add { T::ONE } else { T::ZERO }, T::ONE);
    // SAFETY: c has m * n values from its start; a and b have what their strides reach, as asserted above. c is borrowed
    // mutably, so that it overlaps neither.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.values.as_ptr(),
            a.strides.1 as isize,
            a.strides.0 as isize,
            b.values.as_ptr(),
            b.strides.1 as isize,
            b.strides.0 as isize,
            alpha,
            beta,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// Writes the columns of a matrix as rows.
pub(crate) fn transpose<T: Real>(values: &[T], columns: usize, turned: &mut [T]) {
    const SIDE: usize = 16;
    let rows = values.len() / columns;
    widest!(|| {
        for row in (0..rows).step_by(SIDE) {
            for column in (0..columns).step_by(SIDE) {
                let (height, width) = (SIDE.min(rows - row), SIDE.min(columns - column));
                for c in column..column + width {
                    let to = &mut turned[c * rows + row..][..height];
                    let from = values[row * columns + c..].iter().step_by(columns);
                    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_all_forms_are_right_and_odd_sizes_too() {
        for (m, k, n) in [(1, 1, 1), (3, 5, 7), (17, 1, 33), (64, 31, 20), (2, 300, 1)] {
            let a: Vec<f32> = (0..m * k).map(|i| (i % 13) as f32 - 6.0).collect();
            let b: Vec<f32> = (0..k * n).map(|i| (i % 7) as f32 - 3.0).collect();
            let expected: Vec<f32> = (0..m * n)
                .map(|i| (0..k).map(|j| a[i / n * k + j] * b[j * n + i % n]).sum())
                .collect();
            let mut c = vec![f32::NAN; m * n];
            multiply(Matrix::new(&a, m, k), Matrix::new(&b, k, n), &mut c, false);
            assert_eq!(c, expected, "{m} {k} {n}");
            multiply(Matrix::new(&a, m, k), Matrix::new(&b, k, n), &mut c, true);
            assert_eq!(
                c,
                expected.iter().map(|v| 2.0 * v).collect::<Vec<_>>(),
                "added"
            );
            // The same from transposed storage: (b' a')' = a b.
            let turned = |values: &[f32], columns: usize| {
                let mut turned = vec![f32::NAN; values.len()];
                transpose(values, columns, &mut turned);
                turned
            };
            let (a, b) = (turned(&a, k), turned(&b, n));
            multiply(
                Matrix::new(&a, k, m).transposed(),
                Matrix::new(&b, n, k).transposed(),
                &mut c,
                false,
            );
            assert_eq!(c, expected, "transposed");
            if n > 1 {
                let mut part = vec![0.0; m];
                multiply(
                    Matrix::new(&a, k, m).transposed(),
                    Matrix::new(&b, n, k).transposed().narrow(1, 1),
                    &mut part,
                    false,
                );
                assert_eq!(
                    part,
                    expected
                        .iter()
                        .skip(1)
                        .step_by(n)
                        .copied()
                        .collect::<Vec<_>>(),
                    "narrowed"
                );
            }
        }
    }

    #[test]
    #[should_panic(expected = "are no 2 x 3 matrix")]
    fn too_few_values_are_refused() {
        Matrix::new(&[0f32; 5], 2, 3);
    }
}
