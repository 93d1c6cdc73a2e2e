//! What training makes small: the difference between a picture and its reconstruction, as a mean over all values.

use crate::error::Result;
use crate::math::{LANES, Real, widest};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// A loss, averaged over pictures, channels and pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Loss {
    /// Mean squared error, (x - y)². PyTorch: `nn.MSELoss()`.
    #[default]
    Mse,
    /// Binary cross-entropy, -(x ln y + (1 - x) ln(1 - y)), for pictures and reconstructions in [0, 1]: the decoder must
    /// end in a sigmoid. Logarithms are cut off at -87.3, that of the smallest `f32` that is not denormal; PyTorch's `nn.BCELoss()` cuts at -100.
    BinaryCrossEntropy,
    /// Binary cross-entropy of sigmoid(y), computed from the logits y themselves, so that it keeps its gradient where a sigmoid
    /// would be 0 or 1: max(y, 0) - y x + ln(1 + exp(-|y|)). For pictures in [0, 1] and a decoder that does not end in a
    /// sigmoid. What such a model draws are logits: `candle_nn::ops::sigmoid(&ae.reconstruct(&images)?)?` are the pictures, and
    /// [`Autoencoder::loss`](crate::Autoencoder::loss) with this loss evaluates it. PyTorch: `nn.BCEWithLogitsLoss()`.
    BinaryCrossEntropyWithLogits,
}

impl Loss {
    /// The loss as a tensor of one value, for the backward pass.
    ///
    /// # Shapes
    /// `reconstruction` and `target` have one shape; the result is ().
    ///
    /// # Errors
    /// Where the shapes differ.
    pub fn of(self, reconstruction: &Tensor, target: &Tensor) -> Result<Tensor> {
        match self {
            Loss::Mse => Ok((reconstruction - target)?.sqr()?.mean_all()?),
            Loss::BinaryCrossEntropy => {
                let log = |y: &Tensor| -> Result<Tensor> {
                    Ok(y.maximum(f64::from(f32::MIN_POSITIVE))?.log()?)
                };
                let hit = (target * log(reconstruction)?)?;
                let miss = (target.affine(-1.0, 1.0)? * log(&reconstruction.affine(-1.0, 1.0)?)?)?;
                Ok((hit + miss)?.mean_all()?.neg()?)
            }
            Loss::BinaryCrossEntropyWithLogits => {
                // At 0 candle takes 1 for the slopes of relu and of abs: together, they are the right one.
                let far = (reconstruction.abs()?.neg()?.exp()? + 1.0)?.log()?;
                let near = (reconstruction.relu()? - (reconstruction * target)?)?;
                Ok((near + far)?.mean_all()?)
            }
        }
    }
}

impl Loss {
    /// The pictures of what a model draws that was trained with this loss.
    pub(crate) fn pictures(self, drawn: Tensor) -> Result<Tensor> {
        match self {
            Loss::Mse | Loss::BinaryCrossEntropy => Ok(drawn),
            Loss::BinaryCrossEntropyWithLogits => Ok(candle_nn::ops::sigmoid(&drawn)?),
        }
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Loss::Mse => "mean squared error",
            Loss::BinaryCrossEntropy => "binary cross-entropy",
            Loss::BinaryCrossEntropyWithLogits => "binary cross-entropy with logits",
        })
    }
}

impl Loss {
    /// The sum of the losses of all values, and each one's gradient of the mean over `count` values.
    pub(crate) fn sum_and_gradients<T: Real>(
        self,
        out: &[T],
        target: &[T],
        gradients: &mut [T],
        count: usize,
    ) -> f64 {
        /// Values whose losses are added in their own bits before they join the sum in 64.
        const PART: usize = 4096;
        let scale = T::of(1.0 / count as f64);
        let parts = out
            .chunks(PART)
            .zip(target.chunks(PART))
            .zip(gradients.chunks_mut(PART));
        let sums = parts.map(|((out, target), gradients)| {
            widest!(|| match self {
                Loss::Mse => losses(out, target, gradients, scale, square),
                Loss::BinaryCrossEntropy => losses(out, target, gradients, scale, cross_entropy),
                Loss::BinaryCrossEntropyWithLogits => {
                    losses(out, target, gradients, scale, cross_entropy_of_logits)
                }
            })
            .into()
        });
        sums.sum()
    }
}

/// The sum of a loss of pairs, in lanes; the loss gives its value and its gradient, which is multiplied by `scale`.
#[inline(always)]
fn losses<T: Real>(
    out: &[T],
    target: &[T],
    gradients: &mut [T],
    scale: T,
    of: impl Fn(T, T) -> (T, T),
) -> T {
    let mut sums = [T::ZERO; LANES];
    let all = out
        .chunks(LANES)
        .zip(target.chunks(LANES))
        .zip(gradients.chunks_mut(LANES));
    for ((out, target), gradients) in all {
        for (((&y, &t), g), sum) in out.iter().zip(target).zip(gradients).zip(&mut sums) {
            let (loss, gradient) = of(y, t);
            *sum += loss;
            *g = scale * gradient;
        }
    }
    sums.into_iter().sum()
}

#[inline(always)]
fn square<T: Real>(y: T, t: T) -> (T, T) {
    let apart = y - t;
    (apart * apart, apart + apart)
}

#[inline(always)]
fn cross_entropy<T: Real>(y: T, t: T) -> (T, T) {
    // The logarithm is cut off, and what is cut off does not pull.
    let log = |v: T| {
        let most = if v < T::LOG_FLOOR { T::LOG_FLOOR } else { v };
        most.ln()
    };
    let pull = |share: T, v: T| if v > T::LOG_FLOOR { share / v } else { T::ZERO };
    let (miss, far) = (T::ONE - t, T::ONE - y);
    (
        -(t * log(y) + miss * log(far)),
        pull(miss, far) - pull(t, y),
    )
}

#[inline(always)]
fn cross_entropy_of_logits<T: Real>(y: T, t: T) -> (T, T) {
    let small = (-y.abs()).exp(); // in (0, 1]
    let one_more = T::ONE + small;
    // What the addition lost of a small number is given back.
    let far = one_more.ln() + (small - (one_more - T::ONE)) / one_more;
    let (above, share) = if y < T::ZERO {
        (T::ZERO, small)
    } else {
        (y, T::ONE)
    };
    (above - y * t + far, share / one_more - t)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn logits_are_shown_as_pictures() {
        let drawn = Tensor::new(&[-100f32, 0.0, 100.0], &Device::Cpu).unwrap();
        let values = |loss: Loss| {
            loss.pictures(drawn.clone())
                .unwrap()
                .to_vec1::<f32>()
                .unwrap()
        };
        assert_eq!(values(Loss::BinaryCrossEntropyWithLogits), [0.0, 0.5, 1.0]);
        assert_eq!(values(Loss::BinaryCrossEntropy), [-100.0, 0.0, 100.0]);
    }

    #[test]
    fn values_that_are_no_numbers_are_not_hidden() {
        for loss in [
            Loss::Mse,
            Loss::BinaryCrossEntropy,
            Loss::BinaryCrossEntropyWithLogits,
        ] {
            for values in [[f32::NAN, 0.5], [0.5, f32::NAN]] {
                let sum = loss.sum_and_gradients(&values[..1], &values[1..], &mut [0.0], 1);
                assert!(sum.is_nan(), "{loss} of {values:?}");
            }
        }
    }

    #[test]
    fn the_cross_entropy_of_logits_is_pytorchs_however_large_they_are() {
        // import torch, torch.nn.functional as F
        // y = torch.tensor([0, 2, -3, 20, 100, 100, -100, -100.], requires_grad=True)
        // x = torch.tensor([.3, 1, .25, .9, 0, 1, 1, 0])
        // l = F.binary_cross_entropy_with_logits(y, x, reduction="none"); l.sum().backward(); l, y.grad
        let y = [0.0f32, 2.0, -3.0, 20.0, 100.0, 100.0, -100.0, -100.0];
        let x = [0.3f32, 1.0, 0.25, 0.9, 0.0, 1.0, 1.0, 0.0];
        let right = [
            std::f64::consts::LN_2,
            0.126_928,
            0.798_587_3,
            2.000_000_5,
            100.0,
            0.0,
            100.0,
            0.0,
        ];
        let slopes = [0.2, -0.119_202_97, -0.202_574_13, 0.1, 1.0, 0.0, -1.0, 0.0];
        for i in 0..y.len() {
            let mut slope = [0.0];
            let loss = Loss::BinaryCrossEntropyWithLogits.sum_and_gradients(
                &y[i..=i],
                &x[i..=i],
                &mut slope,
                1,
            );
            assert!(
                (loss - right[i]).abs() < 1e-6 * right[i].max(1.0),
                "{loss} for {} at {}",
                right[i],
                y[i]
            );
            assert!(
                (slope[0] - slopes[i]).abs() < 1e-6,
                "{} for {} at {}",
                slope[0],
                slopes[i],
                y[i]
            );
        }
        // ln(1 + e^-20), of which a sum with 1 in 32 bits keeps nothing.
        let sure =
            Loss::BinaryCrossEntropyWithLogits.sum_and_gradients(&[20.0], &[1.0], &mut [0.0], 1);
        assert!((sure / 2.061_153_6e-9 - 1.0).abs() < 0.02, "{sure}");
    }
}
