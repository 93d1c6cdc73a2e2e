//! The numbers that our kernels compute with: `f32`, in which models are trained, and `f64`, in which their gradients are
//! checked against differences.

use candle_core::WithDType;
use pulp::Simd;
use std::fmt::Debug;
use std::iter::Sum;
use std::ops::Neg;

/// Runs a closure in the widest instructions that the processor has, found out when the program runs. The compiler makes vectors
/// of its loops only where it and what it calls are inlined: a function of its own would be compiled for every processor. That
/// is also what the compiler makes of a closure that could be called twice, so this one gives something away.
macro_rules! widest {
    (|| $body:expr) => {{
        let once = $crate::math::Once;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let _given_away = once;
                $body
            },
        )
    }};
}
pub(crate) use widest;

/// What a closure can give away but once: it cannot be copied.
pub(crate) struct Once;

/// `f32` or `f64`, one at a time and in the widest vectors that the processor has.
pub(crate) trait Real:
    WithDType + Default + Debug + From<f32> + Into<f64> + Neg<Output = Self> + Sum
{
    /// A vector of them.
    type Vector<S: Simd>: Copy;

    const ZERO: Self;
    const ONE: Self;
    /// The smallest that is not denormal, as `f32`: where logarithms are cut off.
    const SMALLEST: Self;

    /// The nearest to a number.
    fn of(value: f64) -> Self;

    fn exp(self) -> Self;
    /// Of a number that is not denormal.
    fn ln(self) -> Self;
    fn sqrt(self) -> Self;
    fn abs(self) -> Self;
    fn is_nan(self) -> bool;
    /// The normal distribution's probability of being below it.
    fn normal_below(self) -> Self;

    /// How many a vector holds.
    fn lanes<S: Simd>() -> usize;
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    /// The vectors that values make one after the other; what is left over does not count.
    fn vectors<S: Simd>(values: &[Self]) -> &[Self::Vector<S>];
    fn vectors_mut<S: Simd>(values: &mut [Self]) -> &mut [Self::Vector<S>];
    /// a b + c
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// The sum of a vector's values.
    fn total<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self;
}

/// What reads the same in `f32` and `f64`, but for the names that pulp has for it.
macro_rules! both {
    ($lanes:ident, $splat:ident, $vectors:ident, $vectors_mut:ident, $mul_add:ident, $total:ident) => {
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
        fn vectors<S: Simd>(values: &[Self]) -> &[Self::Vector<S>] {
            S::$vectors(values).0
        }

        #[inline(always)]
        fn vectors_mut<S: Simd>(values: &mut [Self]) -> &mut [Self::Vector<S>] {
            S::$vectors_mut(values).0
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
        fn total<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self {
            simd.$total(vector)
        }
    };
}

impl Real for f32 {
    type Vector<S: Simd> = S::f32s;

    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const SMALLEST: Self = f32::MIN_POSITIVE;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }

    /// To 2e-7 of its value, without branches: powers of two by the exponent's bits, the rest by a polynomial (Cephes'
    /// coefficients). Beyond ±87 it stays what it is there.
    #[inline(always)]
    fn exp(self) -> Self {
        /// Added and taken away again, it rounds to a whole number, which its lowest bits then are.
        const ROUND: f32 = 12_582_912.0;
        let x = self.clamp(-87.0, 87.0);
        let rounded = x * std::f32::consts::LOG2_E + ROUND;
        let whole = rounded - ROUND;
        // ln 2 in two parts, so that the rest keeps its digits.
        let rest = x - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
        let mut sum = 1.987_569_1e-4;
        for coefficient in [
            1.398_199_9e-3,
            8.333_452e-3,
            4.166_579_6e-2,
            1.666_666_5e-1,
            0.5,
            1.0,
            1.0,
        ] {
            sum = sum * rest + coefficient;
        }
        sum * f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0f32.to_bits()))
    }

    /// Without branches: the exponent's bits, and a polynomial of the rest (Cephes' coefficients). Good to 2e-7, of its value
    /// or of 1, whichever is larger.
    #[inline(always)]
    fn ln(self) -> Self {
        let bits = self.to_bits();
        let exponent = ((bits >> 23) as i32 - 126) as f32;
        let part = f32::from_bits((bits & 0x007f_ffff) | 0x3f00_0000); // in [0.5, 1)
        let low = part < std::f32::consts::FRAC_1_SQRT_2;
        let exponent = if low { exponent - 1.0 } else { exponent };
        let m = if low { part + part - 1.0 } else { part - 1.0 };
        let mut sum = 7.037_684e-2;
        for coefficient in [
            -0.115_146_1,
            0.116_769_99,
            -0.124_201_41,
            0.142_493_23,
            -0.166_680_58,
            0.200_007_15,
            -0.249_999_94,
            0.333_333_3,
        ] {
            sum = sum * m + coefficient;
        }
        let square = m * m;
        let near = sum * m * square - 2.121_944_4e-4 * exponent - 0.5 * square;
        // A number that is none passes through.
        if self.is_nan() {
            self
        } else {
            m + near + 0.693_359_4 * exponent
        }
    }

    /// To 1.5e-7 (Abramowitz and Stegun, 7.1.26).
    #[inline(always)]
    fn normal_below(self) -> Self {
        let far = self.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / (1.0 + 0.327_591_1 * far);
        let mut sum = 1.061_405_4;
        for coefficient in [-1.453_152, 1.421_413_8, -0.284_496_74, 0.254_829_6] {
            sum = sum * t + coefficient;
        }
        let tail = 0.5 * sum * t * Real::exp(-far * far);
        if self > 0.0 { 1.0 - tail } else { tail }
    }

    both!(
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
    const SMALLEST: Self = f32::MIN_POSITIVE as f64;

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

    fn normal_below(self) -> Self {
        0.5 * libm::erfc(-self * std::f64::consts::FRAC_1_SQRT_2)
    }

    both!(
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
    fn the_exponential_is_exact_to_a_few_parts_in_ten_million() {
        for i in -8600..=8600 {
            let x = i as f32 / 100.0;
            let right = f64::from(x).exp();
            let apart = (f64::from(Real::exp(x)) / right - 1.0).abs();
            assert!(apart < 2e-7, "{x}: {apart}");
        }
        let exp = <f32 as Real>::exp;
        assert!(exp(-1e9) > 0.0 && exp(1e9).is_finite() && exp(f32::NEG_INFINITY) > 0.0);
    }

    #[test]
    fn the_logarithm_is_exact_to_a_few_parts_in_ten_million() {
        let mut x = f32::SMALLEST;
        while x < 4.0 {
            let right = f64::from(x).ln();
            let apart = (f64::from(Real::ln(x)) - right).abs() / right.abs().max(1.0);
            assert!(apart < 2e-7, "{x}: {apart}");
            x *= 1.003;
        }
        assert_eq!(Real::ln(1.0f32), 0.0);
        assert!(Real::ln(f32::NAN).is_nan());
    }

    #[test]
    fn the_normal_distribution_is_the_same_in_both_to_a_few_parts_in_ten_million() {
        for i in -800..=800 {
            let x = i as f32 / 100.0;
            let apart = f64::from(x.normal_below()) - f64::from(x).normal_below();
            assert!(apart.abs() < 4e-7, "{x}: {apart}");
        }
        // scipy.stats.norm.cdf(1)
        assert!((1f64.normal_below() - 0.841_344_746_068_542_9).abs() < 1e-15);
    }
}
