//! Principal component analysis (Pearson, 1901), by nalgebra's symmetric eigendecomposition.

use crate::error::{Error, Result};
use candle_core::{D, DType, Tensor};
use nalgebra::{DMatrix, SymmetricEigen};

/// Maximum dimensions. More would take minutes.
const MAX_DIMENSIONS: usize = 2048;

/// Points projected onto their first two principal components.
pub(crate) struct PrincipalComponents {
    /// (n, 2)
    pub(crate) points: Tensor,
    /// Share of the variance that each component explains, in [0, 1].
    pub(crate) explained: [f64; 2],
    /// The point of zeros, projected.
    pub(crate) origin: [f64; 2],
}

/// Computes the first two principal components. The sign of each makes its largest weight
/// positive.
///
/// # Shapes
/// `points` is (n, d) with d from 2 to 2,048.
///
/// # Errors
/// The points have fewer than 2 or more than 2,048 dimensions.
pub(crate) fn principal_components(points: &Tensor) -> Result<PrincipalComponents> {
    let (n, d) = points.dims2()?;
    if !(2..=MAX_DIMENSIONS).contains(&d) {
        return Err(Error::shape(
            "principal components",
            format!("codes of 2 to {MAX_DIMENSIONS} values"),
            d,
            "Plot two values of the code with code_scatter",
        ));
    }
    let points = points.to_dtype(DType::F64)?;
    let mean = points.mean_keepdim(0)?; // (1, d)
    let centered = points.broadcast_sub(&mean)?;
    let covariance = (centered.t()?.matmul(&centered)? / n as f64)?; // (d, n) x (n, d)
    let [first, second] = eigenvectors(covariance.flatten_all()?.to_vec1()?, d);
    let column = |vector: Vec<f64>| Tensor::from_vec(vector, (d, 1), points.device());
    let components = Tensor::cat(
        &[column(first.direction)?, column(second.direction)?],
        D::Minus1,
    )?; // (d, 2)
    let origin = mean.neg()?.matmul(&components)?; // (1, 2)
    let origin: Vec<f64> = origin.flatten_all()?.to_vec1()?;
    Ok(PrincipalComponents {
        origin: [origin[0], origin[1]],
        points: centered.matmul(&components)?,
        explained: [first.explained, second.explained],
    })
}

/// An eigenvector of a covariance matrix.
struct Component {
    direction: Vec<f64>,
    /// Share of the variance, in [0, 1].
    explained: f64,
}

/// The eigenvectors of the two largest eigenvalues of a d x d covariance matrix, in descending
/// order.
fn eigenvectors(covariance: Vec<f64>, d: usize) -> [Component; 2] {
    let variance: f64 = (0..d).map(|i| covariance[i * d + i]).sum();
    let eigen = SymmetricEigen::new(DMatrix::from_vec(d, d, covariance));
    let mut order: Vec<usize> = (0..d).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    [order[0], order[1]].map(|i| {
        let vector = eigen.eigenvectors.column(i);
        let explained = if variance > 0.0 {
            (eigen.eigenvalues[i] / variance).max(0.0)
        } else {
            0.0
        };
        Component {
            direction: with_positive_maximum(vector.iter().copied().collect()),
            explained,
        }
    })
}

/// Flips the sign of a vector whose weight of largest magnitude is negative.
fn with_positive_maximum(vector: Vec<f64>) -> Vec<f64> {
    let largest = vector
        .iter()
        .copied()
        .max_by(|a, b| a.abs().total_cmp(&b.abs()))
        .unwrap_or(1.0);
    vector.iter().map(|v| v * largest.signum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn components_of_an_ellipse_are_its_axes() {
        // import numpy as np; x = np.array([[-2, -2], [2, 2], [-1, 1], [1, -1]], float)
        // np.linalg.eigvalsh(x.T @ x / 4): [1, 4]; share of the first component: 4 / 5
        let points = [[-2f32, -2.0], [2.0, 2.0], [-1.0, 1.0], [1.0, -1.0]];
        let points = Tensor::new(&points, &Device::Cpu).unwrap();
        let found = principal_components(&points).unwrap();
        assert!((found.explained[0] - 0.8).abs() < 1e-12);
        assert!((found.explained[1] - 0.2).abs() < 1e-12);
        let first = found.points.to_vec2::<f64>().unwrap()[1][0];
        assert!((first - 8f64.sqrt()).abs() < 1e-12, "{first}");
        assert!(found.origin.iter().all(|x| x.abs() < 1e-12));
        // The mean moves to (1, 1), at the distance of a square root of 2 from the origin.
        let moved = principal_components(&(points + 1.0).unwrap()).unwrap();
        let expected = [-2f64.sqrt(), 0.0];
        for (found, expected) in moved.origin.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
    }

    #[test]
    fn one_dimension_is_rejected() {
        let points = Tensor::zeros((4, 1), DType::F32, &Device::Cpu).unwrap();
        let error = principal_components(&points).err().unwrap().to_string();
        assert!(
            error.starts_with("principal components: expected codes of 2 to 2048 values, got 1"),
            "{error}"
        );
    }
}
