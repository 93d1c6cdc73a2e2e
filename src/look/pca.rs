//! Principal components: the directions in which points differ most (Pearson, 1901), by nalgebra's symmetric eigenvalues.

use crate::error::{Error, Result};
use candle_core::{D, DType, Tensor};
use nalgebra::{DMatrix, SymmetricEigen};

/// Dimensions above this would take minutes.
const MOST: usize = 2048;

/// Points seen along their first two principal components.
pub(crate) struct Components {
    /// (n, 2)
    pub(crate) points: Tensor,
    /// The share of all variance that each of the two explains, in [0, 1].
    pub(crate) explained: [f64; 2],
}

/// The first two principal components of points (n, d), d at least 2. Each points to where its largest weight is positive.
///
/// # Errors
/// Fewer than 2 or more than 2,048 dimensions.
pub(crate) fn principal_components(points: &Tensor) -> Result<Components> {
    let (n, d) = points.dims2()?;
    if !(2..=MOST).contains(&d) {
        let hint = "Look at two numbers of the code by code_scatter";
        return Err(Error::shape(
            "principal components",
            format!("codes of 2 to {MOST} numbers"),
            d,
            hint,
        ));
    }
    let points = points.to_dtype(DType::F64)?;
    let centred = points.broadcast_sub(&points.mean_keepdim(0)?)?;
    let covariance = (centred.t()?.matmul(&centred)? / n as f64)?; // (d, n) x (n, d)
    let values = covariance.flatten_all()?.to_vec1::<f64>()?;
    let total: f64 = (0..d).map(|i| values[i * d + i]).sum();
    let eigen = SymmetricEigen::new(DMatrix::from_vec(d, d, values));
    let mut order: Vec<usize> = (0..d).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let direction = |i: usize| -> Result<Tensor> {
        let vector: Vec<f64> = eigen
            .eigenvectors
            .column(order[i])
            .iter()
            .copied()
            .collect();
        let largest = vector
            .iter()
            .copied()
            .max_by(|a, b| a.abs().total_cmp(&b.abs()))
            .unwrap_or(1.0);
        let upright: Vec<f64> = vector.iter().map(|v| v * largest.signum()).collect();
        Ok(Tensor::from_vec(upright, (d, 1), points.device())?)
    };
    let directions = Tensor::cat(&[direction(0)?, direction(1)?], D::Minus1)?; // (d, 2)
    let share = |i: usize| {
        if total > 0.0 {
            (eigen.eigenvalues[order[i]] / total).max(0.0)
        } else {
            0.0
        }
    };
    Ok(Components {
        points: centred.matmul(&directions)?,
        explained: [share(0), share(1)],
    })
}
