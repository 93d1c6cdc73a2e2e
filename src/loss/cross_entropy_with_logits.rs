//! Binary cross-entropy of sigmoid(y), computed from the logits y:
//! max(y, 0) - y t + ln(1 + exp(-|y|)).

use super::pairs::PairLoss;
use crate::error::Result;
use crate::math::Real;
use candle_core::Tensor;

/// Mean binary cross-entropy with logits, by candle operations.
pub(crate) fn mean(logits: &Tensor, target: &Tensor) -> Result<Tensor> {
    // At 0 candle's slopes of relu and of abs are both 1. Only together do they give the right one.
    let softplus = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?; // ln(1 + exp(-|y|))
    let linear = (logits.relu()? - (logits * target)?)?;
    Ok((linear + softplus)?.mean_all()?)
}

/// Binary cross-entropy with logits of one pair.
#[inline(always)]
pub(crate) fn pair<T: Real>(y: T, t: T) -> PairLoss<T> {
    let small = (-y.abs()).exp(); // in (0, 1]
    let sum = T::ONE + small;
    let softplus = small.ln_1p();
    let (positive, numerator) = if y < T::ZERO {
        (T::ZERO, small)
    } else {
        (y, T::ONE)
    };
    PairLoss {
        value: positive - y * t + softplus,
        gradient: numerator / sum - t, // sigmoid(y) - t
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_gradients_of_large_logits_match_pytorch() {
        // import torch, torch.nn.functional as F
        // y = torch.tensor([0, 2, -3, 20, 100, 100, -100, -100.], requires_grad=True)
        // x = torch.tensor([.3, 1, .25, .9, 0, 1, 1, 0])
        // l = F.binary_cross_entropy_with_logits(y, x, reduction="none")
        // l.sum().backward(); l, y.grad
        let logits = [0.0f32, 2.0, -3.0, 20.0, 100.0, 100.0, -100.0, -100.0];
        let targets = [0.3f32, 1.0, 0.25, 0.9, 0.0, 1.0, 1.0, 0.0];
        let values = [
            std::f32::consts::LN_2,
            0.126_928,
            0.798_587_3,
            2.000_000_5,
            100.0,
            0.0,
            100.0,
            0.0,
        ];
        let gradients = [
            0.2f32,
            -0.119_202_97,
            -0.202_574_13,
            0.1,
            1.0,
            0.0,
            -1.0,
            0.0,
        ];
        for i in 0..logits.len() {
            let PairLoss { value, gradient } = pair(logits[i], targets[i]);
            let (y, expected) = (logits[i], values[i]);
            let tolerance = 1e-6 * expected.max(1.0);
            assert!(
                (value - expected).abs() < tolerance,
                "{value}, expected {expected} for the logit {y}"
            );
            assert!(
                (gradient - gradients[i]).abs() < 1e-6,
                "{gradient}, expected {} for the logit {y}",
                gradients[i]
            );
        }
    }

    #[test]
    fn a_confident_hit_keeps_the_digits_of_its_loss() {
        // ln(1 + e^-20), of which ln(1.0f32 + e^-20) keeps nothing.
        let value = pair(20.0f32, 1.0).value;
        assert!((value / 2.061_153_6e-9 - 1.0).abs() < 0.02, "{value}");
    }
}
