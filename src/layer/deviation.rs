//! How a [`Gaussian`](crate::layer::Gaussian()) layer reads the standard deviations of its code.

use crate::error::Result;
use crate::layer::term::full_precision;
use crate::math::Real;
use candle_core::{D, Tensor};
use serde::{Deserialize, Serialize};

/// Smallest deviation: that of 0 would have no logarithm.
const SMALLEST: f64 = 1e-12;
/// Below this number, ln(softplus(s)) is computed as s - x / 2 + 5 x² / 24, with x = exp(s).
const FLAT: f64 = -5.0;

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
    /// Means and log variances, in at least `f32`.
    ///
    /// # Shapes
    /// (.., 2n) -> (.., n), (.., n)
    pub(crate) fn moments(self, xs: &Tensor) -> Result<[Tensor; 2]> {
        let units = xs.dim(D::Minus1)? / 2;
        let means = full_precision(&xs.narrow(D::Minus1, 0, units)?)?;
        let s = full_precision(&xs.narrow(D::Minus1, units, units)?)?;
        if self == Deviation::LogVariance {
            return Ok([means, s]);
        }
        // ln(1 + exp(s)) = max(s, 0) + ln(1 + exp(-|s|)) loses its digits far below 0.
        let is_tail = s.lt(FLAT)?;
        let inside = s.maximum(FLAT)?;
        let small = (inside.abs()?.neg()?.exp()? + 1.0)?.log()?;
        let logarithm = (inside.relu()? + small)?.log()?;
        let tail = s.clamp(SMALLEST.ln(), FLAT)?;
        let x = tail.exp()?;
        let tail = ((tail - (&x * 0.5)?)? + (x.sqr()? * (5.0 / 24.0))?)?;
        Ok([means, (is_tail.where_cond(&tail, &logarithm)? * 2.0)?])
    }

    /// Log variance, and its derivative.
    #[inline(always)]
    pub(crate) fn log_variance<T: Real>(self, s: T) -> (T, T) {
        if self == Deviation::LogVariance {
            return (s, T::ONE);
        }
        if s < T::of(FLAT) {
            let tail = s.into();
            let (value, slope) = match tail > SMALLEST.ln() {
                true => {
                    let x = tail.exp();
                    let square = 5.0 / 24.0 * x * x;
                    (tail - x / 2.0 + square, 1.0 - x / 2.0 + 2.0 * square)
                }
                false => (SMALLEST.ln(), 0.0),
            };
            return (T::of(2.0 * value), T::of(2.0 * slope));
        }
        let decay = (-s.abs()).exp();
        let (positive, sigmoid) = if s > T::ZERO {
            (s, T::ONE / (T::ONE + decay))
        } else {
            (T::ZERO, decay / (T::ONE + decay))
        };
        let deviation = positive + decay.ln_1p();
        let two = T::of(2.0);
        (two * deviation.ln(), two * sigmoid / deviation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Var};

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
    fn small_deviations_keep_their_digits_and_slopes() {
        // s = torch.tensor([-20., -5.1, -4.9], dtype=float, requires_grad=True); else as above
        let expected = [
            (-40.000_000_002, 1.999_999_998),
            (-10.206_081_315, 1.993_934_060),
            (-9.807_423_581, 1.992_599_319),
        ];
        let s = [-20.0f32, -5.1, -4.9];
        let xs = [[0.0; 3], s].concat();
        for dtype in [DType::F32, DType::BF16] {
            let xs = Tensor::new(xs.as_slice(), &Device::Cpu).unwrap();
            let xs = Var::from_tensor(&xs.to_dtype(dtype).unwrap()).unwrap();
            let [_, variances] = Deviation::Softplus.moments(&xs).unwrap();
            let gradients = variances.sum_all().unwrap().backward().unwrap();
            let slopes = gradients.get(&xs).unwrap().to_dtype(DType::F32).unwrap();
            let slopes = slopes.to_vec1::<f32>().unwrap();
            let variances = variances.to_vec1::<f32>().unwrap();
            // A number in bf16 has three digits.
            let tolerance = if dtype == DType::F32 { 1e-4 } else { 0.05 };
            for (i, (v, slope)) in expected.into_iter().enumerate() {
                let by_op = Deviation::Softplus.log_variance(s[i]);
                assert!((f64::from(by_op.0) - v).abs() < 1e-5, "{by_op:?}");
                assert!((f64::from(by_op.1) - slope).abs() < 1e-5, "{by_op:?}");
                assert!(
                    (f64::from(variances[i]) - v).abs() < tolerance,
                    "{variances:?}"
                );
                assert!(
                    (f64::from(slopes[3 + i]) - slope).abs() < tolerance,
                    "{slopes:?}"
                );
            }
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
