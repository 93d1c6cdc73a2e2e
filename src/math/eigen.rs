//! Eigenvectors of symmetric matrices: Householder tridiagonalization and implicit QL steps.
//!
//! Martin, Reinsch and Wilkinson, "Householder's tridiagonalization of a symmetric matrix", 1968;
//! Dubrulle, Martin and Wilkinson, "The implicit QL algorithm", 1968. The rotations of the QL steps
//! are recorded and applied only to the vectors that are asked for, so that the time is that of the
//! tridiagonalization: 4/3 n³ operations instead of about 9 n³.

use super::reduce::{add_scaled, dot};

/// QL steps for an eigenvalue, at most. Two are usual.
const MAX_STEPS: usize = 60;

/// Sum of squares below which a row, of a matrix whose largest value is 1, counts as zeros.
const NEGLIGIBLE: f64 = 1e-200;

/// An eigenvalue and its eigenvector, of length 1.
pub(crate) struct Eigenpair {
    pub(crate) value: f64,
    pub(crate) vector: Vec<f64>,
}

/// The `K` largest eigenvalues of a symmetric matrix, in descending order, with orthonormal
/// eigenvectors. Only the lower triangle is read. `None` if a value is infinite or NaN, or `K` exceeds
/// n.
///
/// # Shapes
/// `matrix` is (n, n).
pub(crate) fn largest_eigenpairs<const K: usize>(
    mut matrix: Vec<f64>,
    n: usize,
) -> Option<[Eigenpair; K]> {
    // Squares of scaled values neither overflow nor vanish.
    let scale = matrix.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    if matrix.iter().any(|v| !v.is_finite()) {
        return None;
    }
    if scale > 0.0 {
        matrix.iter_mut().for_each(|v| *v /= scale);
    }
    let (tridiagonal, reflections) = tridiagonalize(&mut matrix, n);
    let (values, rotations) = tridiagonal.diagonalize()?;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let pairs = order.into_iter().take(K).map(|i| {
        let mut vector = vec![0.0; n];
        vector[i] = 1.0;
        for rotation in rotations.iter().rev() {
            rotation.apply(&mut vector);
        }
        for (row, &scale) in reflections.iter().enumerate() {
            reflect(&matrix[row * n..][..row], scale, &mut vector[..row]);
        }
        Eigenpair {
            value: values[i] * scale,
            vector,
        }
    });
    pairs.collect::<Vec<_>>().try_into().ok()
}

/// x -= scale (u x) u
fn reflect(u: &[f64], scale: f64, x: &mut [f64]) {
    if scale != 0.0 {
        add_scaled(x, -scale * dot(u, x), u);
    }
}

/// Reduces a symmetric matrix to a tridiagonal one by a reflection 1 - scale u uᵀ for each row,
/// from the last one on. Row i keeps its u in the first i values; `scale` is 0 for no reflection.
fn tridiagonalize(matrix: &mut [f64], n: usize) -> (Tridiagonal, Vec<f64>) {
    let (mut beside, mut scales) = (vec![0.0; n], vec![0.0; n]);
    let mut product = vec![0.0; n];
    for i in (1..n).rev() {
        let (rows, row) = matrix.split_at_mut(i * n);
        let u = &mut row[..i];
        if dot(&u[..i - 1], &u[..i - 1]) < NEGLIGIBLE {
            beside[i - 1] = u[i - 1];
            continue;
        }
        let norm = dot(u, u).sqrt().copysign(u[i - 1]);
        let scale = 1.0 / (norm * (norm + u[i - 1]));
        beside[i - 1] = -norm;
        u[i - 1] += norm;
        scales[i] = scale;
        // A -= u qᵀ + q uᵀ with p = scale A u and q = p - scale (u p) / 2 u
        let q = &mut product[..i];
        multiply(rows, n, u, q);
        q.iter_mut().for_each(|q| *q *= scale);
        add_scaled(q, -0.5 * scale * dot(u, q), u);
        for (k, row) in rows.chunks_exact_mut(n).enumerate() {
            add_scaled(&mut row[..=k], -u[k], &q[..=k]);
            add_scaled(&mut row[..=k], -q[k], &u[..=k]);
        }
    }
    let diagonal = (0..n).map(|i| matrix[i * n + i]).collect();
    (Tridiagonal { diagonal, beside }, scales)
}

/// The product of a symmetric matrix, given by its lower triangle, and a vector.
fn multiply(rows: &[f64], n: usize, vector: &[f64], product: &mut [f64]) {
    product.fill(0.0);
    for (k, row) in rows.chunks_exact(n).enumerate() {
        product[k] += dot(&row[..=k], &vector[..=k]);
        add_scaled(&mut product[..k], vector[k], &row[..k]);
    }
}

/// A symmetric tridiagonal matrix.
struct Tridiagonal {
    diagonal: Vec<f64>,
    /// The n - 1 values below the diagonal, and a 0.
    beside: Vec<f64>,
}

/// A rotation of the values `at` and `at + 1` of a vector.
struct Rotation {
    at: usize,
    cos: f64,
    sin: f64,
}

impl Rotation {
    fn apply(&self, x: &mut [f64]) {
        let (a, b) = (x[self.at], x[self.at + 1]);
        x[self.at] = self.cos * a + self.sin * b;
        x[self.at + 1] = self.cos * b - self.sin * a;
    }
}

impl Tridiagonal {
    /// The eigenvalues, and the rotations whose product has the eigenvectors as its columns. `None`
    /// if the steps do not converge.
    fn diagonalize(mut self) -> Option<(Vec<f64>, Vec<Rotation>)> {
        let n = self.diagonal.len();
        let sizes = self.diagonal.iter().zip(&self.beside);
        let norm = sizes.fold(0.0, |most: f64, (d, e)| most.max(d.abs() + e.abs()));
        let mut rotations = Vec::new();
        for first in 0..n {
            let mut steps = 0;
            loop {
                let negligible = |e: &f64| e.abs() <= f64::EPSILON * norm;
                let last = first
                    + self.beside[first..n - 1]
                        .iter()
                        .position(negligible)
                        .unwrap_or(n - 1 - first);
                if last == first {
                    break;
                }
                if steps == MAX_STEPS {
                    return None;
                }
                steps += 1;
                self.step(first, last, &mut rotations);
            }
        }
        Some((self.diagonal, rotations))
    }

    /// An implicit QL step on rows `first` to `last`, shifted by an eigenvalue of the first two.
    fn step(&mut self, first: usize, last: usize, rotations: &mut Vec<Rotation>) {
        let (d, e) = (&mut self.diagonal, &mut self.beside);
        let ratio = (d[first + 1] - d[first]) / (2.0 * e[first]);
        let shift = d[first] - e[first] / (ratio + ratio.hypot(1.0).copysign(ratio));
        let (mut g, mut moved) = (d[last] - shift, 0.0);
        let (mut cos, mut sin) = (1.0, 1.0);
        for i in (first..last).rev() {
            let (f, b) = (sin * e[i], cos * e[i]);
            let r = f.hypot(g);
            e[i + 1] = r;
            if r == 0.0 {
                // The matrix falls apart here.
                d[i + 1] -= moved;
                e[last] = 0.0;
                return;
            }
            (sin, cos) = (f / r, g / r);
            let rest = d[i + 1] - moved;
            let r = (d[i] - rest) * sin + 2.0 * cos * b;
            moved = sin * r;
            d[i + 1] = rest + moved;
            g = cos * r - b;
            rotations.push(Rotation { at: i, cos, sin });
        }
        d[first] -= moved;
        e[first] = g;
        e[last] = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(found: &[f64], expected: &[f64]) {
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(near), "{found:?}");
    }

    /// A v = value v, and the vectors are orthonormal.
    fn assert_eigenpairs(matrix: &[f64], n: usize) {
        let pairs: [Eigenpair; 2] = largest_eigenpairs(matrix.to_vec(), n).unwrap();
        for pair in &pairs {
            let rows = matrix.chunks_exact(n);
            let product: Vec<f64> = rows.map(|row| dot(row, &pair.vector)).collect();
            let expected: Vec<f64> = pair.vector.iter().map(|v| pair.value * v).collect();
            assert_near(&product, &expected);
        }
        let [a, b] = &pairs;
        let products = [(a, a), (a, b), (b, b)].map(|(a, b)| dot(&a.vector, &b.vector));
        assert_near(&products, &[1.0, 0.0, 1.0]);
        assert!(a.value >= b.value);
    }

    #[test]
    fn eigenpairs_are_those_of_numpy() {
        // np.linalg.eigh([[4, 1, -2, 2], [1, 2, 0, 1], [-2, 0, 3, -2], [2, 1, -2, -1]])
        #[rustfmt::skip]
        let matrix = [4.0, 1.0, -2.0, 2.0, 1.0, 2.0, 0.0, 1.0, -2.0, 0.0, 3.0, -2.0, 2.0, 1.0, -2.0, -1.0];
        let [first, second] = largest_eigenpairs(matrix.to_vec(), 4).unwrap();
        assert_near(
            &[first.value, second.value],
            &[6.844_621_107_234_965, 2.268_531_406_431_242],
        );
        let sign = |vector: Vec<f64>| -> Vec<f64> {
            vector.iter().map(|v| v * vector[0].signum()).collect()
        };
        let expected = [
            0.718_045_959_450_679_6,
            0.221_152_988_155_180_7,
            -0.557_351_377_137_509_6,
            0.353_356_474_893_992_9,
        ];
        assert_near(&sign(first.vector), &expected);
        let expected = [
            0.201_711_096_620_942_3,
            0.789_449_912_487_439_9,
            0.579_634_169_316_787_8,
            0.010_280_998_686_330_6,
        ];
        assert_near(&sign(second.vector), &expected);
        // The signs of negative eigenvalues count, too: [-2.1975169774394243, ..].
        let all: [Eigenpair; 4] = largest_eigenpairs(matrix.to_vec(), 4).unwrap();
        assert_near(&[all[3].value], &[-2.197_516_977_439_424]);
    }

    #[test]
    fn an_ill_conditioned_matrix_of_any_scale_is_solved() {
        // i = np.arange(40); np.linalg.eigvalsh(1 / (1 + i[:, None] + i))[-2:]
        for scale in [1.0, 1e-200, 1e200] {
            let hilbert = (0..1600).map(|i| scale / (1 + i / 40 + i % 40) as f64);
            let [first, second] = largest_eigenpairs(hilbert.collect(), 40).unwrap();
            let values = [first.value / scale, second.value / scale];
            assert_near(&values, &[2.038_366_835_315_022, 0.633_099_074_032_043_9]);
        }
    }

    #[test]
    fn equal_eigenvalues_have_orthonormal_vectors() {
        for n in [2, 3, 7] {
            let identity = |i: usize| f64::from(u8::from(i / n == i % n));
            assert_eigenpairs(&vec![0.0; n * n], n);
            assert_eigenpairs(&(0..n * n).map(identity).collect::<Vec<_>>(), n);
            // Rank 1: all but one eigenvalue are 0.
            assert_eigenpairs(&vec![1.0; n * n], n);
            // 1 + 2 a aᵀ / (a a) for a = (1, .., n): once 3, and 1
            let square: f64 = (1..=n).map(|i| (i * i) as f64).sum();
            let outer = |i: usize| ((i / n + 1) * (i % n + 1)) as f64;
            let matrix = (0..n * n).map(|i| identity(i) + 2.0 * outer(i) / square);
            assert_eigenpairs(&matrix.collect::<Vec<_>>(), n);
        }
    }

    #[test]
    fn values_that_are_not_finite_and_too_many_pairs_give_none() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let matrix = vec![1.0, 0.0, value, 1.0];
            assert!(largest_eigenpairs::<2>(matrix, 2).is_none(), "{value}");
        }
        assert!(largest_eigenpairs::<2>(vec![1.0], 1).is_none());
        assert!(largest_eigenpairs::<1>(vec![-1.5], 1).is_some_and(|[pair]| pair.value == -1.5));
    }
}
