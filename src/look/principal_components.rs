//! Principal component analysis (Pearson, 1901), by eigenvectors of the covariance.

use crate::error::{Error, Result};
use crate::math::largest_eigenpairs;
use candle_core::{D, DType, Tensor};

/// Maximum dimensions, which take about a second. Time grows with their cube.
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
/// The points have fewer than 2 or more than 2,048 dimensions, or values that are not finite.
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
    let covariance: Vec<f64> = covariance.flatten_all()?.to_vec1()?;
    let variance: f64 = covariance.iter().step_by(d + 1).sum();
    let Some([first, second]) = largest_eigenpairs(covariance, d) else {
        return Err(Error::shape(
            "principal components",
            "codes of finite values",
            "NaN or infinity",
            "The model has diverged; train it again",
        ));
    };
    let explained = |value: f64| (value / variance.max(f64::MIN_POSITIVE)).max(0.0);
    let column =
        |vector: Vec<f64>| Tensor::from_vec(with_positive_maximum(vector), (d, 1), points.device());
    let explained = [explained(first.value), explained(second.value)];
    let components = [column(first.vector)?, column(second.vector)?];
    let components = Tensor::cat(&components, D::Minus1)?; // (d, 2)
    let origin = mean.neg()?.matmul(&components)?; // (1, 2)
    let origin: Vec<f64> = origin.flatten_all()?.to_vec1()?;
    Ok(PrincipalComponents {
        origin: [origin[0], origin[1]],
        points: centered.matmul(&components)?,
        explained,
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
    fn equal_points_have_no_variance_to_explain() {
        let points = Tensor::full(0.5f32, (4, 3), &Device::Cpu).unwrap();
        let found = principal_components(&points).unwrap();
        assert_eq!(found.explained, [0.0, 0.0]);
        let sum = found.points.abs().unwrap().sum_all().unwrap();
        assert_eq!(sum.to_scalar::<f64>().unwrap(), 0.0);
    }

    #[test]
    fn values_that_are_not_finite_are_rejected() {
        for value in [f32::NAN, f32::INFINITY] {
            let points = Tensor::full(value, (4, 3), &Device::Cpu).unwrap();
            let error = principal_components(&points).err().unwrap().to_string();
            assert!(error.contains("expected codes of finite values"), "{error}");
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
