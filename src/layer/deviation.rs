//! How a [`Gaussian`](crate::layer::Gaussian()) layer reads the standard deviations of its code.

use crate::error::Result;
use crate::math::Real;
use candle_core::{D, Tensor};
use serde::{Deserialize, Serialize};

/// A deviation of zero would have no logarithm.
const SMALLEST: f64 = 1e-12;

/// Meaning of the second half of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) enum Deviation {
    /// Log variances v: the deviation is exp(v / 2).
    #[default]
    LogVariance,
    /// Numbers s: the deviation is softplus(s) = ln(1 + exp(s)).
    Softplus,
}

impl Deviation {
    /// Means and log variances.
    ///
    /// # Shapes
    /// (.., 2n) -> (.., n), (.., n)
    pub(crate) fn moments(self, xs: &Tensor) -> Result<[Tensor; 2]> {
        let units = xs.dim(D::Minus1)? / 2;
        let means = xs.narrow(D::Minus1, 0, units)?;
        let spreads = xs.narrow(D::Minus1, units, units)?;
        if self == Deviation::LogVariance {
            return Ok([means, spreads]);
        }
        // ln(1 + exp(s)) = max(s, 0) + ln(1 + exp(-|s|))
        let small = (spreads.abs()?.neg()?.exp()? + 1.0)?.log()?;
        let deviations = (spreads.relu()? + small)?.maximum(SMALLEST)?;
        Ok([means, (deviations.log()? * 2.0)?])
    }

    /// Log variance, and its derivative.
    #[inline(always)]
    pub(crate) fn log_variance<T: Real>(self, s: T) -> (T, T) {
        if self == Deviation::LogVariance {
            return (s, T::ONE);
        }
        let decay = (-s.abs()).exp();
        let (positive, sigmoid) = if s > T::ZERO {
            (s, T::ONE / (T::ONE + decay))
        } else {
            (T::ZERO, decay / (T::ONE + decay))
        };
        let deviation = positive + decay.ln_1p();
        if deviation < T::of(SMALLEST) {
            return (T::of(2.0 * SMALLEST.ln()), T::ZERO);
        }
        let two = T::of(2.0);
        (two * deviation.ln(), two * sigmoid / deviation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn softplus_deviations_match_pytorch() {
        // import torch; s = torch.tensor([-40., -2, 1, 3], dtype=float, requires_grad=True)
        // v = 2 * torch.nn.functional.softplus(s).clamp(1e-12).log(); v.sum().backward(); v, s.grad
        let expected = [
            (-55.262_042_232, 0.0),
            (-4.128_270_391, 1.878_276_057),
            (0.545_027_761, 1.113_347_912),
            (2.229_356_640, 0.624_928_216),
        ];
        let s = [-40.0f64, -2.0, 1.0, 3.0];
        for (s, (v, slope)) in s.into_iter().zip(expected) {
            let found = Deviation::Softplus.log_variance(s);
            assert!((found.0 - v).abs() < 1e-8, "{s}: {found:?}");
            assert!((found.1 - slope).abs() < 1e-8, "{s}: {found:?}");
        }
    }

    #[test]
    fn tensors_and_numbers_agree() {
        let values = [0.3f64, -0.1, 0.7, -3.0, 0.0, 2.0];
        let xs = Var::new(&values, &Device::Cpu).unwrap();
        for deviation in [Deviation::LogVariance, Deviation::Softplus] {
            let [means, variances] = deviation.moments(&xs).unwrap();
            assert_eq!(means.to_vec1::<f64>().unwrap(), values[..3]);
            let gradients = variances.sum_all().unwrap().backward().unwrap();
            let slopes = gradients.get(&xs).unwrap().to_vec1::<f64>().unwrap();
            let variances = variances.to_vec1::<f64>().unwrap();
            for i in 0..3 {
                let (v, slope) = deviation.log_variance(values[3 + i]);
                assert!((v - variances[i]).abs() < 1e-12, "{deviation:?} {i}");
                assert!((slope - slopes[3 + i]).abs() < 1e-12, "{deviation:?} {i}");
            }
        }
    }
}
