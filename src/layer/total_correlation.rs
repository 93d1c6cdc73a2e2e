//! Total correlation of the units of a code: the divergence of their joint distribution from the product of
//! the single ones.
//!
//! log q(z) is estimated for the samples of a batch as ln (1/b) Σ q(z | x) over its images x. Chen and
//! others, "Isolating sources of disentanglement in variational autoencoders", 2018; their estimate for a
//! data set of another size differs by a constant.

use crate::error::Result;
use candle_core::Tensor;

/// Mean over the samples, in nats.
///
/// # Shapes
/// (b, d), (b, d), (b, d) -> ()
pub(crate) fn total_correlation(
    samples: &Tensor,
    means: &Tensor,
    log_variances: &Tensor,
) -> Result<Tensor> {
    let (b, d) = samples.dims2()?;
    // log q(z | x) of each unit without its constant, which cancels: (b of z, b of x, d)
    let deviations = samples.unsqueeze(1)?.broadcast_sub(&means.unsqueeze(0)?)?;
    let precisions = log_variances.neg()?.exp()?.unsqueeze(0)?;
    let squares = deviations.sqr()?.broadcast_mul(&precisions)?;
    let densities = (squares.broadcast_add(&log_variances.unsqueeze(0)?)? * -0.5)?;
    let joint = densities.sum(2)?.log_sum_exp(1)?; // (b)
    let single = densities.log_sum_exp(1)?.sum(1)?; // (b, d) -> (b)
    let constant = (d as f64 - 1.0) * (b as f64).ln();
    Ok(((joint - single)?.mean_all()? + constant)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn sines(first: usize) -> Tensor {
        let values: Vec<f64> = (first..first + 8).map(|i| (i as f64).sin()).collect();
        Tensor::from_vec(values, (4, 2), &Device::Cpu).unwrap()
    }

    #[test]
    fn the_estimate_matches_pytorch() {
        // import math, torch; from torch.distributions import Normal
        // s = lambda a: torch.arange(a, a + 8.).double().sin().reshape(4, 2); m, v = s(1), s(9) - .5; z = m + .3 * s(17)
        // q = Normal(m, (v / 2).exp()).log_prob(z[:, None]); M = math.log(4)
        // ((q.sum(2).logsumexp(1) - M) - (q.logsumexp(1) - M).sum(1)).mean() -> 0.0552077
        let (means, log_variances) = (sines(1), (sines(9) - 0.5).unwrap());
        let samples = (&means + (sines(17) * 0.3).unwrap()).unwrap();
        let found = total_correlation(&samples, &means, &log_variances).unwrap();
        let found = found.to_scalar::<f64>().unwrap();
        assert!((found - 0.0552077).abs() < 1e-7, "{found}");
    }

    #[test]
    fn codes_of_one_unit_or_one_image_are_independent() {
        let one_unit = sines(1).narrow(1, 0, 1).unwrap();
        let one_image = sines(1).narrow(0, 0, 1).unwrap();
        for codes in [one_unit, one_image] {
            let found = total_correlation(&codes, &codes, &codes).unwrap();
            assert!(found.to_scalar::<f64>().unwrap().abs() < 1e-12);
        }
    }
}
