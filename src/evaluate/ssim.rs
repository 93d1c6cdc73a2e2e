//! Structural similarity (Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment", 2004).
//!
//! SSIM = (2 μx μy + C1)(2 σxy + C2) / ((μx² + μy² + C1)(σx² + σy² + C2)), with means, variances and
//! covariance under a Gaussian window of 11 x 11 pixels and σ = 1.5, C1 = 0.01² and C2 = 0.03².

use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluate::pairs::Pairs;
use crate::math::widest;
use crate::model::Autoencoder;
use candle_core::Tensor;
use rayon::prelude::*;

const WINDOW: usize = 11;
const SIGMA: f64 = 1.5;
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

/// Structural similarity of each pair of images with values in [0, 1], at most 1 (equal images).
///
/// The mean over all windows inside the image and over the channels. scikit-image:
/// `structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
/// data_range=1)`.
///
/// # Shapes
/// Both (n, c, h, w) or (c, h, w), at least 11 pixels high and wide -> n values
///
/// # Errors
/// The shapes differ or are others, or the images are smaller than the window.
///
/// # Examples
/// ```
/// use candlebook::evaluate::ssim;
/// use candlebook::prelude::*;
/// let digits = mnist_embedded()?.test.first(4)?;
/// assert_eq!(ssim(&digits, &digits)?, [1.0; 4]);
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn ssim(images: &Tensor, others: &Tensor) -> Result<Vec<f32>> {
    let pairs = Pairs::new("ssim", images, others)?;
    check_window(pairs.shape)?;
    let [_, h, w] = pairs.shape;
    let of_image = |planes: &mut Planes, (a, b): &(&[f32], &[f32])| {
        let channels = a.chunks_exact(h * w).zip(b.chunks_exact(h * w));
        let sum: f64 = channels.map(|(a, b)| planes.similarity(a, b)).sum();
        (sum / (a.len() / (h * w)) as f64) as f32
    };
    let all = pairs.all();
    Ok(all
        .par_iter()
        .map_init(|| Planes::new(h, w), of_image)
        .collect())
}

impl Autoencoder {
    /// Mean structural similarity ([`ssim`]) of the reconstructions of a split, at most 1.
    ///
    /// # Errors
    /// The split is empty or has vectors, or its images are smaller than the window of 11 x 11
    /// pixels or do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// assert!(ae.ssim(&data.test)? < 0.1); // a new model
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn ssim(&self, split: &Split) -> Result<f64> {
        self.mean_quality("ssim", split, ssim)
    }
}

/// Returns true if the window fits into images of this height and width.
pub(super) fn window_fits(h: usize, w: usize) -> bool {
    h.min(w) >= WINDOW
}

fn check_window([_, h, w]: [usize; 3]) -> Result<()> {
    if window_fits(h, w) {
        return Ok(());
    }
    let expected = format!("images of at least {WINDOW} x {WINDOW} pixels, the window");
    let hint = "Compare smaller images by their mean squared error or psnr";
    Err(Error::shape("ssim", expected, format!("{h} x {w}"), hint))
}

/// Buffers for one channel.
struct Planes {
    weights: [f64; WINDOW],
    width: usize,
    product: Vec<f64>,
    /// The product, smoothed along the columns.
    columns: Vec<f64>,
    /// Local means of x, y, x², y² and x y.
    means: [Vec<f64>; 5],
}

impl Planes {
    fn new(h: usize, w: usize) -> Self {
        let (rows, columns) = (h - WINDOW + 1, w - WINDOW + 1);
        Planes {
            weights: gaussian(),
            width: w,
            product: vec![0.0; h * w],
            columns: vec![0.0; rows * w],
            means: std::array::from_fn(|_| vec![0.0; rows * columns]),
        }
    }

    /// Mean similarity over all windows.
    fn similarity(&mut self, x: &[f32], y: &[f32]) -> f64 {
        type Product = fn(f64, f64) -> f64;
        let products: [Product; 5] = [|x, _| x, |_, y| y, |x, _| x * x, |_, y| y * y, |x, y| x * y];
        for (i, of_pixel) in products.into_iter().enumerate() {
            for ((product, x), y) in self.product.iter_mut().zip(x).zip(y) {
                *product = of_pixel((*x).into(), (*y).into());
            }
            self.smooth(i);
        }
        let [mx, my, xx, yy, xy] = &self.means;
        let of_window = |i: usize| {
            let (mx, my) = (mx[i], my[i]);
            let (vx, vy, vxy) = (xx[i] - mx * mx, yy[i] - my * my, xy[i] - mx * my);
            (2.0 * mx * my + C1) * (2.0 * vxy + C2) / ((mx * mx + my * my + C1) * (vx + vy + C2))
        };
        (0..mx.len()).map(of_window).sum::<f64>() / mx.len() as f64
    }

    /// Writes the local means of the product: the window is a product of a column and a row.
    fn smooth(&mut self, index: usize) {
        let (w, weights) = (self.width, self.weights);
        let columns = w - WINDOW + 1;
        widest!(|| {
            for (y, row) in self.columns.chunks_exact_mut(w).enumerate() {
                row.fill(0.0);
                for (k, weight) in weights.iter().enumerate() {
                    add_scaled(row, &self.product[(y + k) * w..], *weight);
                }
            }
            let means = self.means[index].chunks_exact_mut(columns);
            for (row, means) in self.columns.chunks_exact(w).zip(means) {
                means.fill(0.0);
                for (k, weight) in weights.iter().enumerate() {
                    add_scaled(means, &row[k..], *weight);
                }
            }
        });
    }
}

#[inline(always)]
fn add_scaled(sums: &mut [f64], values: &[f64], factor: f64) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += factor * value;
    }
}

/// Weights of the window along one axis; their sum is 1.
fn gaussian() -> [f64; WINDOW] {
    let center = (WINDOW / 2) as f64;
    let weights: [f64; WINDOW] =
        std::array::from_fn(|i| (-0.5 * ((i as f64 - center) / SIGMA).powi(2)).exp());
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}
