//! Squared error, (y - t)².

use super::pairs::PairLoss;
use crate::error::Result;
use crate::math::Real;
use candle_core::Tensor;

/// Mean squared error, by candle operations.
pub(crate) fn mean(output: &Tensor, target: &Tensor) -> Result<Tensor> {
    Ok((output - target)?.sqr()?.mean_all()?)
}

/// Squared error of one pair.
#[inline(always)]
pub(crate) fn pair<T: Real>(y: T, t: T) -> PairLoss<T> {
    let difference = y - t;
    PairLoss {
        value: difference * difference,
        gradient: difference + difference,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_twice_the_difference() {
        let PairLoss { value, gradient } = pair(0.75f64, 0.25);
        assert_eq!((value, gradient), (0.25, 1.0));
    }
}
