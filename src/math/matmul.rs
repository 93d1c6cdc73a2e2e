//! Matrix products (`gemm` crate, one thread) and transposes.

use super::real::Real;
use super::simd::widest;
use gemm::Parallelism;

/// A strided view of a slice as a matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, T> {
    values: &'a [T],
    rows: usize,
    columns: usize,
    /// Distance from one row to the next.
    row_stride: usize,
    /// Distance from one column to the next.
    column_stride: usize,
}

impl<'a, T: Real> Matrix<'a, T> {
    /// A row-major matrix.
    pub(crate) fn new(values: &'a [T], rows: usize, columns: usize) -> Self {
        assert!(
            values.len() >= rows * columns,
            "matrix: expected at least {rows} x {columns} values, got {}",
            values.len()
        );
        Matrix {
            values,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// Columns `first` to `first + columns`.
    pub(crate) fn narrow(self, first: usize, columns: usize) -> Self {
        assert!(
            first + columns <= self.columns,
            "columns {first} to {} of {}",
            first + columns,
            self.columns
        );
        Matrix {
            values: &self.values[first * self.column_stride..],
            columns,
            ..self
        }
    }

    /// The transpose, without moving a value.
    pub(crate) fn transposed(self) -> Self {
        Matrix {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Number of values from the first to the last element.
    fn span(&self) -> usize {
        if self.rows * self.columns == 0 {
            return 0;
        }
        (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride + 1
    }
}

/// c = a b, or c += a b if `accumulate` is set.
///
/// # Shapes
/// (m, k) x (k, n) -> (m, n), row-major.
pub(crate) fn matmul<T: Real>(a: Matrix<T>, b: Matrix<T>, c: &mut [T], accumulate: bool) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert!(
        b.rows == k && c.len() >= m * n,
        "matmul: ({m}, {k}) x ({}, {n}) into {} values",
        b.rows,
        c.len()
    );
    assert!(
        a.span() <= a.values.len() && b.span() <= b.values.len(),
        "matmul: a matrix spans more values than its slice has"
    );
    if m * n == 0 {
        return;
    }
    // gemm computes c = alpha c + beta a b.
    let (alpha, beta) = (if accumulate { T::ONE } else { T::ZERO }, T::ONE);
    // SAFETY: c has at least m * n values; a and b have the values that their strides reach, as
    // asserted above. c is borrowed mutably, so it overlaps neither.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            accumulate,
            a.values.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.values.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            alpha,
            beta,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// Transposes a row-major matrix and adds an offset to the values of each of its rows:
/// transposed[c][r] = values[r][c] + offsets[r].
///
/// # Shapes
/// `values` is (n, `columns`), `offsets` is (n), `transposed` is (`columns`, n).
pub(crate) fn transpose_add<T: Real>(
    values: &[T],
    columns: usize,
    offsets: &[T],
    transposed: &mut [T],
) {
    /// Rows and columns of a tile that stays in registers.
    const HEIGHT: usize = 16;
    const WIDTH: usize = 8;
    let rows = offsets.len();
    assert!(
        values.len() == rows * columns && transposed.len() == rows * columns,
        "transpose: ({rows}, {columns}) of {} values into {}",
        values.len(),
        transposed.len()
    );
    widest!(|| {
        let (tiled_rows, tiled_columns) = (rows / HEIGHT * HEIGHT, columns / WIDTH * WIDTH);
        for (nth, offsets) in offsets.as_chunks::<HEIGHT>().0.iter().enumerate() {
            let row = nth * HEIGHT;
            for column in (0..tiled_columns).step_by(WIDTH) {
                let mut tile = [[T::ZERO; HEIGHT]; WIDTH];
                for (r, offset) in offsets.iter().enumerate() {
                    let values = &values[(row + r) * columns + column..][..WIDTH];
                    for (sums, value) in tile.iter_mut().zip(values) {
                        sums[r] = *value + *offset;
                    }
                }
                for (c, sums) in tile.iter().enumerate() {
                    transposed[(column + c) * rows + row..][..HEIGHT].copy_from_slice(sums);
                }
            }
        }
        for (row, offset) in offsets.iter().enumerate() {
            let first = if row < tiled_rows { tiled_columns } else { 0 };
            for column in first..columns {
                transposed[column * rows + row] = values[row * columns + column] + *offset;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [(usize, usize, usize); 5] =
        [(1, 1, 1), (3, 5, 7), (17, 1, 33), (64, 31, 20), (2, 300, 1)];

    /// Two factors of integers and their exact product.
    fn factors(m: usize, k: usize, n: usize) -> [Vec<f32>; 3] {
        let a: Vec<f32> = (0..m * k).map(|i| (i % 13) as f32 - 6.0).collect();
        let b: Vec<f32> = (0..k * n).map(|i| (i % 7) as f32 - 3.0).collect();
        let product = (0..m * n)
            .map(|i| (0..k).map(|j| a[i / n * k + j] * b[j * n + i % n]).sum())
            .collect();
        [a, b, product]
    }

    #[test]
    fn products_are_exact_for_integers_of_any_size() {
        for (m, k, n) in SIZES {
            let [a, b, expected] = factors(m, k, n);
            let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, k, n));
            let mut c = vec![f32::NAN; m * n];
            matmul(a, b, &mut c, false);
            assert_eq!(c, expected, "{m} {k} {n}");
            matmul(a, b, &mut c, true);
            let doubled: Vec<f32> = expected.iter().map(|v| 2.0 * v).collect();
            assert_eq!(c, doubled, "accumulated {m} {k} {n}");
        }
    }

    #[test]
    fn transposed_and_narrowed_matrices_have_the_same_products() {
        for (m, k, n) in SIZES {
            let [a, b, expected] = factors(m, k, n);
            let (mut at, mut bt) = (vec![f32::NAN; m * k], vec![f32::NAN; k * n]);
            transpose_add(&a, k, &vec![0.0; m], &mut at);
            transpose_add(&b, n, &vec![0.0; k], &mut bt);
            let a = Matrix::new(&at, k, m).transposed();
            let b = Matrix::new(&bt, n, k).transposed();
            let mut c = vec![f32::NAN; m * n];
            matmul(a, b, &mut c, false);
            assert_eq!(c, expected, "{m} {k} {n}");
            if n > 1 {
                let mut column = vec![0.0; m];
                matmul(a, b.narrow(1, 1), &mut column, false);
                let expected: Vec<f32> = expected.iter().skip(1).step_by(n).copied().collect();
                assert_eq!(column, expected, "{m} {k} {n}");
            }
        }
    }

    #[test]
    fn offsets_are_those_of_rows_in_tiles_and_beside_them() {
        let (rows, columns) = (16 * 2 + 3, 8 * 2 + 1);
        let values: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
        let offsets: Vec<f32> = (0..rows).map(|row| 1000.0 * row as f32).collect();
        let mut transposed = vec![f32::NAN; rows * columns];
        transpose_add(&values, columns, &offsets, &mut transposed);
        for (i, value) in transposed.iter().enumerate() {
            let (column, row) = (i / rows, i % rows);
            let expected = (row * columns + column) as f32 + 1000.0 * row as f32;
            assert_eq!(*value, expected, "row {row}, column {column}");
        }
    }

    #[test]
    #[should_panic(expected = "matrix: expected at least 2 x 3 values, got 5")]
    fn a_slice_with_too_few_values_is_rejected() {
        Matrix::new(&[0f32; 5], 2, 3);
    }
}
