//! Reconstruction losses: the mean difference between an image and its reconstruction.

use super::pairs::sum_pairs;
use super::{autograd, cross_entropy, cross_entropy_with_logits, mse};
use crate::cpu_values::{keeps_gradient_graphs, with_values};
use crate::error::{Error, Result};
use crate::math::{Real, any, widest};
use candle_core::{DType, Device, Tensor, WithDType};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Advice for a cross-entropy of data outside [0, 1], given the largest value.
pub(crate) fn scale_data(largest: f64) -> &'static str {
    if (2.0..=255.0).contains(&largest) {
        "Divide bytes by 255: (images / 255.0)?, or choose Loss::Mse"
    } else {
        "Scale the data, or choose Loss::Mse"
    }
}

/// Reconstruction loss, averaged over images, channels and pixels.
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// let output = Tensor::new(&[0.5f32, 1.0], &Device::Cpu)?;
/// let target = Tensor::new(&[0.0f32, 1.0], &Device::Cpu)?;
/// assert_eq!(Loss::Mse.of(&output, &target)?.to_scalar::<f32>()?, 0.125);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Loss {
    /// Mean squared error, (y - t)². PyTorch: `nn.MSELoss()`.
    #[default]
    Mse,
    /// Binary cross-entropy, -(t ln y + (1 - t) ln(1 - y)), for images and reconstructions in
    /// [0, 1]: the decoder must end in a sigmoid. Logarithms are clamped at -87.3, the logarithm of
    /// the smallest normal `f32`; PyTorch's `nn.BCELoss()` clamps at -100.
    BinaryCrossEntropy,
    /// Binary cross-entropy of sigmoid(y), computed from the logits y, so that its gradient does
    /// not vanish where the sigmoid saturates: max(y, 0) - y t + ln(1 + exp(-|y|)). For images in
    /// [0, 1] and a decoder that does not end in a sigmoid. Such a model outputs logits:
    /// `candle_nn::ops::sigmoid(&ae.reconstruct(&images)?)?` gives the images. PyTorch:
    /// `nn.BCEWithLogitsLoss()`.
    BinaryCrossEntropyWithLogits,
}

impl Loss {
    /// Loss as a scalar tensor, for the backward pass.
    ///
    /// # Shapes
    /// `reconstruction` and `target` have the same shape; the result is ().
    ///
    /// The target is moved to the reconstruction's device.
    ///
    /// # Errors
    /// Different shapes; for the cross-entropies, values outside [0, 1] in the target, and for
    /// [`Loss::BinaryCrossEntropy`] also in the reconstruction.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let target = Tensor::new(&[0f32, 1.0], &Device::Cpu)?;
    /// let loss = Loss::Mse.of(&target.zeros_like()?, &target)?;
    /// assert_eq!(loss.to_scalar::<f32>()?, 0.5);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn of(self, reconstruction: &Tensor, target: &Tensor) -> Result<Tensor> {
        if reconstruction.dims() != target.dims() {
            let expected = format!("a target of shape {:?}", reconstruction.dims());
            let hint = "Compare each image with its own reconstruction";
            return Err(Error::shape(
                "loss",
                expected,
                format!("{:?}", target.dims()),
                hint,
            ));
        }
        let target = target.to_device(reconstruction.device())?;
        if self != Loss::Mse {
            check_pixels(self, "target", &target, scale_data)?;
        }
        if self == Loss::BinaryCrossEntropy {
            let hint = "End the decoder with Sigmoid, or choose Loss::BinaryCrossEntropyWithLogits";
            check_pixels(self, "reconstruction", reconstruction, |_| hint)?;
        }
        if target.track_op() || keeps_gradient_graphs() {
            return self.mean(reconstruction, &target);
        }
        match (
            reconstruction.device(),
            reconstruction.dtype(),
            target.dtype(),
        ) {
            (Device::Cpu, DType::F32, DType::F32) => {
                self.mean_on_cpu::<f32>(reconstruction, &target)
            }
            (Device::Cpu, DType::F64, DType::F64) => {
                self.mean_on_cpu::<f64>(reconstruction, &target)
            }
            _ => self.mean(reconstruction, &target),
        }
    }

    /// [`Loss::mean`] in one pass, without a gradient for the target.
    fn mean_on_cpu<T: Real + WithDType>(self, output: &Tensor, target: &Tensor) -> Result<Tensor> {
        let sum = move |output: &[T], target: &[T], gradients: &mut [T], scale: T| {
            self.sum_and_gradients(output, target, gradients, scale)
        };
        Ok(autograd::mean(output, target, sum)?)
    }

    /// Loss of values that are known to be in its range, as a scalar tensor.
    pub(crate) fn mean(self, reconstruction: &Tensor, target: &Tensor) -> Result<Tensor> {
        match self {
            Loss::Mse => mse::mean(reconstruction, target),
            Loss::BinaryCrossEntropy => cross_entropy::mean(reconstruction, target),
            Loss::BinaryCrossEntropyWithLogits => {
                cross_entropy_with_logits::mean(reconstruction, target)
            }
        }
    }

    /// Images in the output of a model trained with this loss: applies the sigmoid to logits.
    pub(crate) fn images_from(self, output: Tensor) -> Result<Tensor> {
        match self {
            Loss::Mse | Loss::BinaryCrossEntropy => Ok(output),
            Loss::BinaryCrossEntropyWithLogits => Ok(candle_nn::ops::sigmoid(&output)?),
        }
    }

    /// Sums the loss over all values and writes its gradients times `scale`.
    pub(crate) fn sum_and_gradients<T: Real>(
        self,
        output: &[T],
        target: &[T],
        gradients: &mut [T],
        scale: T,
    ) -> f64 {
        /// Values summed in `T` before they are added to the f64 total.
        const BLOCK_VALUES: usize = 4096;
        let blocks = output
            .chunks(BLOCK_VALUES)
            .zip(target.chunks(BLOCK_VALUES))
            .zip(gradients.chunks_mut(BLOCK_VALUES));
        let sums = blocks.map(|((output, target), gradients)| {
            widest!(|| match self {
                Loss::Mse => sum_pairs(output, target, gradients, scale, mse::pair),
                Loss::BinaryCrossEntropy => {
                    sum_pairs(output, target, gradients, scale, cross_entropy::pair)
                }
                Loss::BinaryCrossEntropyWithLogits => {
                    let pair = cross_entropy_with_logits::pair;
                    sum_pairs(output, target, gradients, scale, pair)
                }
            })
            .into()
        });
        sums.sum()
    }
}

/// Rejects values outside [0, 1], of which no cross-entropy is defined. NaN passes through, so that
/// a loop can detect it.
fn check_pixels(
    loss: Loss,
    what: &str,
    values: &Tensor,
    hint: impl Fn(f64) -> &'static str,
) -> Result<()> {
    if are_pixels::<f32>(values) || are_pixels::<f64>(values) {
        return Ok(());
    }
    let values = values.detach().flatten_all()?;
    for (outside, value) in [
        (values.lt(0f64)?, values.min(0)?),
        (values.gt(1f64)?, values.max(0)?),
    ] {
        if outside.to_dtype(DType::F32)?.max(0)?.to_scalar::<f32>()? > 0.0 {
            let value = value.to_dtype(DType::F32)?.to_scalar::<f32>()?;
            let expected = format!("a {what} in [0, 1] for the {loss}");
            return Err(Error::shape("loss", expected, value, hint(value.into())));
        }
    }
    Ok(())
}

/// Returns true if the values are slices of `T` in [0, 1] or NaN.
fn are_pixels<T: Real + WithDType>(values: &Tensor) -> bool {
    let outside = |values: &[T]| any(values, |value| (value < T::ZERO) | (value > T::ONE));
    with_values([values], |[values]| !outside(values)).unwrap_or(false)
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loss::Mse => "mean squared error",
            Loss::BinaryCrossEntropy => "binary cross-entropy",
            Loss::BinaryCrossEntropyWithLogits => "binary cross-entropy with logits",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    const LOSSES: [Loss; 3] = [
        Loss::Mse,
        Loss::BinaryCrossEntropy,
        Loss::BinaryCrossEntropyWithLogits,
    ];

    #[test]
    fn logits_become_images_by_the_sigmoid() {
        let output = Tensor::new(&[-100f32, 0.0, 100.0], &Device::Cpu).unwrap();
        let images = |loss: Loss| {
            let images = loss.images_from(output.clone()).unwrap();
            images.to_vec1::<f32>().unwrap()
        };
        assert_eq!(images(Loss::BinaryCrossEntropyWithLogits), [0.0, 0.5, 1.0]);
        assert_eq!(images(Loss::BinaryCrossEntropy), [-100.0, 0.0, 100.0]);
    }

    #[test]
    fn bytes_as_floats_are_divided_by_255() {
        let half = Tensor::new(&[0.5f32], &Device::Cpu).unwrap();
        let error = |target: f32| {
            let target = Tensor::new(&[target], &Device::Cpu).unwrap();
            let error = LOSSES[1].of(&half, &target).unwrap_err();
            error.to_string()
        };
        assert_eq!(
            error(255.0),
            "loss: expected a target in [0, 1] for the binary cross-entropy, got 255. Divide bytes \
             by 255: (images / 255.0)?, or choose Loss::Mse"
        );
        for value in [1.5, -3.0, 1000.0] {
            assert!(error(value).ends_with(". Scale the data, or choose Loss::Mse"));
        }
    }

    #[test]
    fn nan_in_output_or_target_gives_a_nan_sum() {
        for loss in LOSSES {
            for values in [[f32::NAN, 0.5], [0.5, f32::NAN]] {
                let sum = loss.sum_and_gradients(&values[..1], &values[1..], &mut [0.0], 1.0);
                assert!(sum.is_nan(), "{loss} of {values:?}");
            }
        }
    }

    #[test]
    fn sums_over_slices_equal_the_mean_by_candle_operations() {
        let n = 5000;
        let output: Vec<f32> = (0..n)
            .map(|i| 0.01 + 0.98 * (i % 97) as f32 / 97.0)
            .collect();
        let target: Vec<f32> = (0..n).map(|i| (i % 89) as f32 / 89.0).collect();
        let tensor = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap();
        for loss in LOSSES {
            let mut gradients = vec![0.0; n];
            let sum = loss.sum_and_gradients(&output, &target, &mut gradients, 1.0);
            let mean = loss.mean(&tensor(&output), &tensor(&target)).unwrap();
            let expected = f64::from(mean.to_scalar::<f32>().unwrap());
            assert!(
                (sum / n as f64 - expected).abs() < 1e-6 * expected,
                "{loss}"
            );
        }
    }

    #[test]
    fn losses_for_the_backward_pass_are_those_of_candle() {
        let n = 80_000;
        let sine = |i: usize| 0.5 + 0.4 * (i as f64).sin();
        let output: Vec<f64> = (0..n).map(sine).collect();
        let target: Vec<f64> = (0..n).map(|i| sine(3 * i)).collect();
        let output = Var::from_vec(output, (2, n / 2), &Device::Cpu).unwrap();
        let target = Tensor::from_vec(target, (2, n / 2), &Device::Cpu).unwrap();
        for loss in LOSSES {
            let ours = loss.of(&output, &target).unwrap();
            let candle = loss.mean(&output, &target).unwrap();
            let [ours, candle] = [ours, candle].map(|mean| {
                let gradients = (&mean * 3.0).unwrap().backward().unwrap();
                let gradient = gradients.get(&output).unwrap().flatten_all().unwrap();
                let mut values = gradient.to_vec1::<f64>().unwrap();
                values.push(mean.to_scalar::<f64>().unwrap());
                values
            });
            for (ours, candle) in ours.iter().zip(&candle) {
                assert!((ours - candle).abs() < 1e-12, "{loss}: {ours}, {candle}");
            }
        }
    }

    #[test]
    fn a_target_may_have_a_gradient_too() {
        let output = Var::new(&[0.25f32], &Device::Cpu).unwrap();
        let target = Var::new(&[0.75f32], &Device::Cpu).unwrap();
        let gradients = Loss::Mse.of(&output, &target).unwrap().backward().unwrap();
        let of = |var| gradients.get(var).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!((of(&output), of(&target)), (vec![-1.0], vec![1.0]));
    }

    /// Runs again in a process of its own, because candle reads the variable once a thread.
    #[test]
    fn a_gradient_has_a_gradient_if_candle_keeps_the_graphs() {
        const KEEP: &str = "CANDLE_GRAD_DO_NOT_DETACH";
        if std::env::var_os(KEEP).is_none() {
            let mut again = std::process::Command::new(std::env::current_exe().unwrap());
            again.args([
                "--exact",
                "loss::reconstruction::tests::a_gradient_has_a_gradient_if_candle_keeps_the_graphs",
            ]);
            let output = again.env(KEEP, "1").output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success() && said.contains("1 passed"),
                "{said}"
            );
            return;
        }
        let w = Var::new(&[3f32], &Device::Cpu).unwrap();
        let loss = Loss::Mse.of(&w, &Tensor::new(&[1f32], &Device::Cpu).unwrap());
        let gradient = loss.unwrap().backward().unwrap();
        // (w - 1)^2 has the derivatives 2 (w - 1) and 2.
        let second = gradient
            .get(&w)
            .unwrap()
            .sum_all()
            .unwrap()
            .backward()
            .unwrap();
        assert_eq!(second.get(&w).unwrap().to_vec1::<f32>().unwrap(), [2.0]);
    }
}
