//! Binary cross-entropy of probabilities, -(t ln y + (1 - t) ln(1 - y)).
//!
//! Logarithms are clamped at ln(`f32::MIN_POSITIVE`) = -87.3. The gradient of a clamped logarithm
//! is 0.

use super::pairs::PairLoss;
use crate::error::Result;
use crate::math::Real;
use candle_core::Tensor;

/// Mean binary cross-entropy, by candle operations.
pub(crate) fn mean(output: &Tensor, target: &Tensor) -> Result<Tensor> {
    let clamped_log =
        |y: &Tensor| -> Result<Tensor> { Ok(y.maximum(f64::from(f32::MIN_POSITIVE))?.log()?) };
    let one_minus = |x: &Tensor| x.affine(-1.0, 1.0);
    let positive = (target * clamped_log(output)?)?;
    let negative = (one_minus(target)? * clamped_log(&one_minus(output)?)?)?;
    Ok((positive + negative)?.mean_all()?.neg()?)
}

/// Binary cross-entropy of one pair.
#[inline(always)]
pub(crate) fn pair<T: Real>(y: T, t: T) -> PairLoss<T> {
    let clamped_log = |v: T| {
        let clamped = if v < T::LOG_FLOOR { T::LOG_FLOOR } else { v };
        clamped.ln()
    };
    let slope = |weight: T, v: T| {
        if v > T::LOG_FLOOR {
            weight / v
        } else {
            T::ZERO
        }
    };
    let (not_t, not_y) = (T::ONE - t, T::ONE - y);
    PairLoss {
        value: -(t * clamped_log(y) + not_t * clamped_log(not_y)),
        gradient: slope(not_t, not_y) - slope(t, y),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confident_error_has_a_finite_loss_and_no_gradient() {
        let PairLoss { value, gradient } = pair(0.0f32, 1.0);
        assert!((value - 87.336_54).abs() < 1e-3, "{value}");
        assert_eq!(gradient, 0.0);
    }
}
