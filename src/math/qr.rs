//! Orthonormal columns by Householder reflections (Golub and Van Loan, "Matrix Computations", 2013,
//! section 5.2).

use super::reduce::{add_scaled, dot};

/// Q of a QR decomposition whose R has no negative value on its diagonal. The columns of Q are
/// orthonormal even where those of the matrix are linearly dependent.
///
/// # Shapes
/// `columns` is a matrix of `rows` rows, at least as many as columns, column by column. So is Q.
pub(crate) fn orthonormal_columns(mut columns: Vec<f64>, rows: usize) -> Vec<f64> {
    let n = columns.len() / rows;
    // Column k keeps its reflection 1 - scale u uᵀ in rows k and below.
    let reflections: Vec<(f64, f64)> = (0..n)
        .map(|k| {
            let (done, rest) = columns.split_at_mut((k + 1) * rows);
            let u = &mut done[k * rows + k..];
            let (scale, sign) = reflection(u);
            for column in rest.chunks_exact_mut(rows) {
                reflect(u, scale, &mut column[k..]);
            }
            (scale, sign)
        })
        .collect();
    let mut q = vec![0.0; columns.len()];
    for (k, &(scale, sign)) in reflections.iter().enumerate().rev() {
        q[k * rows + k] = sign;
        let u = &columns[k * rows + k..(k + 1) * rows];
        for column in q[k * rows..].chunks_exact_mut(rows) {
            reflect(u, scale, &mut column[k..]);
        }
    }
    q
}

/// Replaces x by the u that reflects it onto the first axis, and returns `scale` and the sign of
/// the reflected value.
fn reflection(x: &mut [f64]) -> (f64, f64) {
    let norm = dot(x, x).sqrt().copysign(x[0]);
    if norm == 0.0 {
        return (0.0, 1.0);
    }
    let scale = 1.0 / (norm * (norm + x[0]));
    x[0] += norm;
    (scale, -norm.signum())
}

/// x -= scale (u x) u
fn reflect(u: &[f64], scale: f64, x: &mut [f64]) {
    add_scaled(x, -scale * dot(u, x), u);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(found: &[f64], expected: &[f64]) {
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-14;
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(near), "{found:?}");
    }

    fn assert_orthonormal(q: &[f64], rows: usize) {
        for (i, a) in q.chunks_exact(rows).enumerate() {
            let products: Vec<f64> = q.chunks_exact(rows).map(|b| dot(a, b)).collect();
            let mut identity = vec![0.0; products.len()];
            identity[i] = 1.0;
            assert_near(&products, &identity);
        }
    }

    #[test]
    fn columns_are_those_of_numpy_with_a_positive_diagonal() {
        // q, r = np.linalg.qr([[1, 2], [3, 4], [5, 6]]); (q * np.sign(np.diag(r))).T
        let q = orthonormal_columns(vec![1.0, 3.0, 5.0, 2.0, 4.0, 6.0], 3);
        #[rustfmt::skip]
        let expected = [
            0.169_030_850_945_703_25, 0.507_092_552_837_11, 0.845_154_254_728_516_6,
            0.897_085_227_145_060_7, 0.276_026_223_736_941_36, -0.345_032_779_671_176_97,
        ];
        assert_near(&q, &expected);
        assert_near(&orthonormal_columns(vec![-3.0], 1), &[-1.0]);
        assert_near(
            &orthonormal_columns(vec![1.0, 0.0, 0.0, -1.0], 2),
            &[1.0, 0.0, 0.0, -1.0],
        );
    }

    #[test]
    fn columns_of_dependent_ones_are_orthonormal() {
        assert_orthonormal(&orthonormal_columns(vec![0.0; 12], 4), 4);
        assert_orthonormal(&orthonormal_columns(vec![1.0; 16], 4), 4);
        assert_orthonormal(
            &orthonormal_columns(vec![1.0, 2.0, 3.0, 2.0, 4.0, 6.0], 3),
            3,
        );
        let values = (0..90 * 70).map(|i| ((i * i) as f64).sin());
        assert_orthonormal(&orthonormal_columns(values.collect(), 90), 90);
    }
}
