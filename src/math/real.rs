//! Number types of the ops: `f32` for training, `f64` for gradient checks.

use super::elementary;
use candle_core::WithDType;
use pulp::Simd;
use std::fmt::Debug;
use std::iter::Sum;
use std::ops::Neg;

/// `f32` or `f64`, as single numbers and as vectors of the processor.
pub(crate) trait Real:
    WithDType + Default + Debug + From<f32> + Into<f64> + Neg<Output = Self> + Sum
{
    /// A vector of numbers.
    type Vector<S: Simd>: Copy;

    const ZERO: Self;
    const ONE: Self;
    /// Smallest normal `f32`. Logarithms of smaller numbers are clamped to its own.
    const LOG_FLOOR: Self;

    /// Converts from `f64`, rounding to nearest.
    fn of(value: f64) -> Self;

    fn exp(self) -> Self;
    /// Natural logarithm of a normal number.
    fn ln(self) -> Self;

    /// ln(1 + x) for x in [0, 1], accurate to the last digits of small x.
    #[inline(always)]
    fn ln_1p(self) -> Self {
        let sum = Self::ONE + self;
        // The second term restores the digits that the addition rounded away.
        sum.ln() + (self - (sum - Self::ONE)) / sum
    }
    fn sqrt(self) -> Self;
    fn abs(self) -> Self;
    fn is_nan(self) -> bool;
    /// Cumulative distribution function of the standard normal distribution.
    fn normal_cdf(self) -> Self;

    /// Numbers in a vector.
    fn lanes<S: Simd>() -> usize;
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    /// Views numbers as vectors; an incomplete last vector is left out.
    fn as_vectors<S: Simd>(values: &[Self]) -> &[Self::Vector<S>];
    fn as_vectors_mut<S: Simd>(values: &mut [Self]) -> &mut [Self::Vector<S>];
    /// a b + c
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// Sum of a vector's numbers.
    fn reduce_sum<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self;
}

/// Methods that differ between `f32` and `f64` only in pulp's names.
macro_rules! common_methods {
    (
        $lanes:ident,
        $splat:ident,
        $as_vectors:ident,
        $as_vectors_mut:ident,
        $mul_add:ident,
        $reduce_sum:ident
    ) => {
        #[inline(always)]
        fn sqrt(self) -> Self {
            self.sqrt()
        }

        #[inline(always)]
        fn abs(self) -> Self {
            self.abs()
        }

        #[inline(always)]
        fn is_nan(self) -> bool {
            self.is_nan()
        }

        #[inline(always)]
        fn lanes<S: Simd>() -> usize {
            S::$lanes
        }

        #[inline(always)]
        fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S> {
            simd.$splat(value)
        }

        #[inline(always)]
        fn as_vectors<S: Simd>(values: &[Self]) -> &[Self::Vector<S>] {
            S::$as_vectors(values).0
        }

        #[inline(always)]
        fn as_vectors_mut<S: Simd>(values: &mut [Self]) -> &mut [Self::Vector<S>] {
            S::$as_vectors_mut(values).0
        }

        #[inline(always)]
        fn mul_add<S: Simd>(
            simd: S,
            a: Self::Vector<S>,
            b: Self::Vector<S>,
            c: Self::Vector<S>,
        ) -> Self::Vector<S> {
            simd.$mul_add(a, b, c)
        }

        #[inline(always)]
        fn reduce_sum<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self {
            simd.$reduce_sum(vector)
        }
    };
}

impl Real for f32 {
    type Vector<S: Simd> = S::f32s;

    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const LOG_FLOOR: Self = f32::MIN_POSITIVE;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn exp(self) -> Self {
        elementary::exp(self)
    }

    #[inline(always)]
    fn ln(self) -> Self {
        elementary::ln(self)
    }

    #[inline(always)]
    fn normal_cdf(self) -> Self {
        elementary::normal_cdf(self)
    }

    common_methods!(
        F32_LANES,
        splat_f32s,
        as_simd_f32s,
        as_mut_simd_f32s,
        mul_add_e_f32s,
        reduce_sum_f32s
    );
}

impl Real for f64 {
    type Vector<S: Simd> = S::f64s;

    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const LOG_FLOOR: Self = f32::MIN_POSITIVE as f64;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }

    fn exp(self) -> Self {
        self.exp()
    }

    fn ln(self) -> Self {
        self.ln()
    }

    fn normal_cdf(self) -> Self {
        0.5 * libm::erfc(-self * std::f64::consts::FRAC_1_SQRT_2)
    }

    common_methods!(
        F64_LANES,
        splat_f64s,
        as_simd_f64s,
        as_mut_simd_f64s,
        mul_add_e_f64s,
        reduce_sum_f64s
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_cdf_in_f64_is_that_of_scipy() {
        // scipy.stats.norm.cdf(1)
        assert!((1f64.normal_cdf() - 0.841_344_746_068_542_9).abs() < 1e-15);
    }

    #[test]
    fn the_logarithm_of_the_floor_is_finite() {
        assert!((Real::ln(f32::LOG_FLOOR) + 87.336_54).abs() < 1e-4);
        assert!(f32::LOG_FLOOR.is_normal() && f64::LOG_FLOOR == f64::from(f32::LOG_FLOOR));
    }
}
