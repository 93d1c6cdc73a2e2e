//! Peak signal-to-noise ratio.

use crate::data::Split;
use crate::error::Result;
use crate::evaluate::pairs::Pairs;
use crate::model::Autoencoder;
use candle_core::Tensor;
use rayon::prelude::*;

/// Peak signal-to-noise ratio of each pair of images with values in [0, 1], in decibels:
/// 10 log₁₀(1 / MSE). Infinite for equal images. scikit-image:
/// `peak_signal_noise_ratio(a, b, data_range=1)`.
///
/// # Shapes
/// Both (n, c, h, w) or (c, h, w) -> n values
///
/// # Errors
/// The shapes differ or are others.
///
/// # Examples
/// ```
/// use candlebook::evaluate::psnr;
/// use candlebook::prelude::*;
/// let image = Tensor::zeros((1, 8, 8), DType::F32, &Device::Cpu)?;
/// let noisy = (&image + 0.1)?;
/// assert!((psnr(&image, &noisy)?[0] - 20.0).abs() < 1e-4);
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn psnr(images: &Tensor, others: &Tensor) -> Result<Vec<f32>> {
    let pairs = Pairs::new("psnr", images, others)?;
    let all = pairs.all();
    Ok(all.par_iter().map(|(a, b)| decibels(a, b)).collect())
}

fn decibels(a: &[f32], b: &[f32]) -> f32 {
    let squares = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2));
    let mse = squares.sum::<f64>() / a.len() as f64;
    (-10.0 * mse.log10()) as f32
}

impl Autoencoder {
    /// Mean peak signal-to-noise ratio ([`psnr`]) of the reconstructions of a split, in decibels.
    ///
    /// # Errors
    /// The split is empty or has vectors, or its images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// assert!((5.0..8.0).contains(&ae.psnr(&data.test)?)); // gray images of a new model
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn psnr(&self, split: &Split) -> Result<f64> {
        self.mean_quality("psnr", split, psnr)
    }
}
