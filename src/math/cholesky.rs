//! Cholesky factors of covariances.

use super::matmul::{Matrix, matmul};
use super::reduce::{add_scaled, column_squares, dot};

/// Rows that are solved between two matrix products.
const BLOCK: usize = 32;

/// The lower triangular L of a positive definite matrix L Lᵀ.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    /// (n, n), with zeros above the diagonal.
    factor: Vec<f64>,
    n: usize,
}

impl Cholesky {
    /// Factorizes a symmetric matrix, of which only the lower triangle is read. `None` if it is not
    /// positive definite, or if a value is infinite or NaN.
    ///
    /// # Shapes
    /// `matrix` is (n, n).
    pub(crate) fn new(mut matrix: Vec<f64>, n: usize) -> Option<Self> {
        for i in 0..n {
            let (above, row) = matrix.split_at_mut(i * n);
            for (j, other) in above.chunks_exact(n).enumerate() {
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let square = row[i] - dot(&row[..i], &row[..i]);
            if !(square > 0.0 && square.is_finite()) {
                return None;
            }
            row[i] = square.sqrt();
            row[i + 1..n].fill(0.0);
        }
        Some(Cholesky { factor: matrix, n })
    }

    /// Logarithm of the determinant of L.
    pub(crate) fn log_determinant(&self) -> f64 {
        let diagonal = self.factor.iter().step_by(self.n + 1);
        diagonal.map(|v| v.ln()).sum()
    }

    /// L x
    pub(crate) fn multiply(&self, x: &[f64]) -> Vec<f64> {
        let rows = self.factor.chunks_exact(self.n);
        rows.map(|row| dot(row, x)).collect()
    }

    /// Squared Mahalanobis distances |L⁻¹ x|² of columns x, which are overwritten by L⁻¹ x.
    ///
    /// # Shapes
    /// `x` is (n, `columns`), row by row.
    pub(crate) fn squared_distances(&self, x: &mut [f64], columns: usize) -> Vec<f64> {
        self.solve(x, columns);
        column_squares(x, columns)
    }

    /// x = L⁻¹ x, by forward substitution.
    fn solve(&self, x: &mut [f64], columns: usize) {
        let mut known = vec![0.0; BLOCK * columns];
        for first in (0..self.n).step_by(BLOCK) {
            let rows = BLOCK.min(self.n - first);
            let (solved, rest) = x.split_at_mut(first * columns);
            let factor = &self.factor[first * self.n..][..rows * self.n];
            if first > 0 {
                let factor = Matrix::new(factor, rows, self.n).narrow(0, first);
                matmul(
                    factor,
                    Matrix::new(solved, first, columns),
                    &mut known,
                    false,
                );
                add_scaled(&mut rest[..rows * columns], -1.0, &known[..rows * columns]);
            }
            for (i, factor) in factor.chunks_exact(self.n).enumerate() {
                let (solved, rest) = rest.split_at_mut(i * columns);
                let row = &mut rest[..columns];
                for (j, solved) in solved.chunks_exact(columns).enumerate() {
                    add_scaled(row, -factor[first + j], solved);
                }
                let scale = 1.0 / factor[first + i];
                row.iter_mut().for_each(|v| *v *= scale);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(found: &[f64], expected: &[f64]) {
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12 * b.abs().max(1.0);
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(near), "{found:?}");
    }

    #[test]
    fn factor_and_distances_are_those_of_numpy() {
        // a = [[4, 2, -2], [2, 10, 5], [-2, 5, 9]]; l = np.linalg.cholesky(a)
        // np.log(np.linalg.det(a)) / 2
        let matrix = vec![4.0, 2.0, -2.0, 2.0, 10.0, 5.0, -2.0, 5.0, 9.0];
        let found = Cholesky::new(matrix, 3).unwrap();
        assert_near(
            &found.factor,
            &[2.0, 0.0, 0.0, 1.0, 3.0, 0.0, -1.0, 2.0, 2.0],
        );
        assert_near(&[found.log_determinant()], &[2.484_906_649_788]);
        assert_near(&found.multiply(&[1.0, -1.0, 2.0]), &[2.0, -2.0, 1.0]);
        // (np.linalg.solve(l, [[1, 0], [2, -1], [3, 5]]) ** 2).sum(0)
        let mut x = [1.0, 0.0, 2.0, -1.0, 3.0, 5.0];
        assert_near(
            &found.squared_distances(&mut x, 2),
            &[2.0625, 8.138_888_888_888_89],
        );
    }

    #[test]
    fn more_than_a_block_of_rows_is_solved() {
        // i = np.arange(40); f = np.tril(1 + (i[:, None] * 7 + i * 3) % 5) + 8 * np.eye(40)
        // l = np.linalg.cholesky(f @ f.T); np.log(np.diag(l)).sum()
        // (np.linalg.solve(l, np.sin(i + 1)) ** 2).sum()
        let factor = |i: usize, j: usize| match i.cmp(&j) {
            std::cmp::Ordering::Less => 0.0,
            order => (1 + (i * 7 + j * 3) % 5) as f64 + 8.0 * f64::from(u8::from(order.is_eq())),
        };
        let product = |i, j| (0..40).map(|k| factor(i, k) * factor(j, k)).sum();
        let matrix = (0..1600).map(|i| product(i / 40, i % 40)).collect();
        let found = Cholesky::new(matrix, 40).unwrap();
        assert_near(&[found.log_determinant()], &[87.888_983_093_448_79]);
        let mut x: Vec<f64> = (0..40).map(|i| f64::from(i + 1).sin()).collect();
        assert_near(
            &found.squared_distances(&mut x, 1),
            &[0.345_022_178_343_186_4],
        );
        assert_near(
            &found.multiply(&x),
            &(0..40).map(|i| f64::from(i + 1).sin()).collect::<Vec<_>>(),
        );
    }

    #[test]
    fn matrices_that_are_not_positive_definite_have_no_factor() {
        // Singular, negative, zero, and not finite.
        for last in [1.0, 0.5, f64::NAN, f64::INFINITY] {
            assert!(
                Cholesky::new(vec![1.0, 1.0, 1.0, last], 2).is_none(),
                "{last}"
            );
        }
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Cholesky::new(vec![value], 1).is_none(), "{value}");
        }
        let below = vec![1.0, 0.0, f64::NAN, 1.0];
        assert!(Cholesky::new(below, 2).is_none());
    }
}
