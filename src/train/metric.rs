//! Metrics of the reconstructions, measured at the end of each epoch.

use super::metric_value::MetricValue;
use crate::cell::check_stopped;
use crate::data::{ImageShape, Split, is_vector};
use crate::error::{Error, Result};
use crate::evaluate::{psnr, ssim};
use crate::loss::Loss;
use crate::model::{Autoencoder, micro_batch};
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Smallest height and width of images that have an SSIM, its window in pixels.
const SSIM_WINDOW: usize = 11;

/// Measure of a model that [`Fit::metrics`](crate::train::Fit::metrics) computes at the end of each
/// epoch, over the validation images (training images if there are none), in evaluation mode. Keras:
/// `compile(metrics=[..])`.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// use candlebook::train::Metric;
/// let data = mnist_embedded()?.take(200, 10);
/// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
/// let fit = Fit { epochs: 2, metrics: vec![Metric::Psnr, Metric::Mae], ..Default::default() };
/// let history = ae.fit(&data, &fit)?;
/// assert!(history.metric("PSNR")[1] > 5.0);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Metric {
    /// Mean squared error, "MSE". Keras: `MeanSquaredError`.
    Mse,
    /// Mean absolute error, "MAE". Keras: `MeanAbsoluteError`.
    Mae,
    /// Mean peak signal-to-noise ratio, "PSNR", in decibels, of
    /// [`psnr`](crate::evaluate::psnr).
    Psnr,
    /// Mean structural similarity, "SSIM", of [`ssim`](crate::evaluate::ssim).
    Ssim,
    /// Number of active units of the code, "active units", of
    /// [`active_units`](crate::model::Autoencoder::active_units).
    ActiveUnits,
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Metric::Mse => "MSE",
            Metric::Mae => "MAE",
            Metric::Psnr => "PSNR",
            Metric::Ssim => "SSIM",
            Metric::ActiveUnits => "active units",
        })
    }
}

impl Metric {
    /// Rejects metrics that images of this shape do not have.
    pub(super) fn check(self, (c, h, w): ImageShape) -> Result<()> {
        let (expected, got) = match self {
            Metric::Psnr | Metric::Ssim if is_vector((c, h, w)) => (
                "images with values in [0, 1]",
                format!("vectors of {w} values"),
            ),
            Metric::Ssim if h.min(w) < SSIM_WINDOW => (
                "images of at least 11 x 11 pixels, its window",
                format!("{h} x {w}"),
            ),
            _ => return Ok(()),
        };
        let hint = "Measure Metric::Mse or Metric::Mae";
        Err(Error::setting(
            "Fit::metrics",
            format!("for {self} {expected}"),
            got,
            hint,
        ))
    }

    /// Values of images and their reconstructions, one each. `ActiveUnits` has none.
    fn of_pairs(self, images: &Tensor, outputs: &Tensor) -> Result<Vec<f32>> {
        let mean = |errors: Tensor| Ok(errors.flatten_from(1)?.mean(1)?.to_vec1()?); // (n, c, h, w) -> (n)
        match self {
            Metric::Mse => mean((images - outputs)?.sqr()?),
            Metric::Mae => mean((images - outputs)?.abs()?),
            Metric::Psnr => psnr(images, outputs),
            Metric::Ssim => ssim(images, outputs),
            Metric::ActiveUnits => Ok(Vec::new()),
        }
    }
}

/// Metrics of a model over a split, in the order of `metrics`.
///
/// # Errors
/// On Stop, and those of the model.
pub(super) fn measure(
    model: &Autoencoder,
    split: &Split,
    loss: Loss,
    metrics: &[Metric],
) -> Result<Vec<MetricValue>> {
    let mut sums = vec![0.0; metrics.len()];
    if metrics.iter().any(|&metric| metric != Metric::ActiveUnits) {
        for_each_batch(model, split, |images, outputs| {
            let outputs = loss.images_from(outputs.clone())?;
            for (sum, metric) in sums.iter_mut().zip(metrics) {
                let values = metric.of_pairs(images, &outputs)?.into_iter();
                *sum += values.map(f64::from).sum::<f64>();
            }
            Ok(())
        })?;
    }
    let values = metrics.iter().zip(sums).map(|(metric, sum)| {
        let value = match metric {
            Metric::ActiveUnits => model.active_units(split)?.active as f64,
            _ => sum / split.len() as f64,
        };
        Ok(MetricValue::new(metric.to_string(), value))
    });
    values.collect()
}

/// Mean over a split of a function of images and outputs that returns a scalar, the mean of a batch.
///
/// # Errors
/// On Stop; that of the function; a result that is not a scalar.
pub(super) fn mean_of(
    model: &Autoencoder,
    split: &Split,
    f: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<f64> {
    let mut sum = 0.0;
    for_each_batch(model, split, |images, outputs| {
        let value = f(images, outputs)?;
        if value.elem_count() != 1 {
            let got = format!("a tensor of shape {:?}", value.dims());
            let hint = "End the metric with .mean_all()?";
            return Err(Error::shape("Event::metric", "a scalar", got, hint));
        }
        let value = value
            .flatten_all()?
            .to_dtype(DType::F64)?
            .to_vec1::<f64>()?[0];
        sum += value * images.dim(0)? as f64;
        Ok(())
    })?;
    Ok(sum / split.len() as f64)
}

/// Calls `f` with batches of images and the decoder's outputs, in evaluation mode, on the CPU.
fn for_each_batch(
    model: &Autoencoder,
    split: &Split,
    mut f: impl FnMut(&Tensor, &Tensor) -> Result<()>,
) -> Result<()> {
    let (c, h, w) = split.image_shape();
    let positions: Vec<usize> = (0..split.len()).collect();
    for positions in positions.chunks(micro_batch(c * h * w)) {
        check_stopped()?;
        let images = split.images(positions)?;
        let labels = split.labels_at(positions)?;
        let outputs = model.reconstruct_with(&images, labels.as_ref())?;
        f(&images, &outputs.to_device(&Device::Cpu)?)?;
    }
    Ok(())
}
