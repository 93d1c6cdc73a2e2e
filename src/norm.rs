//! Batch normalization: each channel less its mean over the batch, by its deviation.
//!
//! In training a batch is in parts, one to a thread; each part measures its own values, and the parts' numbers are put
//! together before any part goes on (Chan, Golub and LeVeque, "Updating formulae", 1979).

use crate::elementwise::{products_about, squares_about, total};
use pulp::Arch;

/// Added to variances, so that a channel of one value can be divided by its deviation.
pub(crate) const EPS: f64 = 1e-5;
/// How much of a batch's numbers enters the running ones.
pub(crate) const MOMENTUM: f64 = 0.1;

/// Channels of so many values each in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Norm {
    pub(crate) channels: usize,
    pub(crate) values: usize,
}

/// What is known of each channel over a whole batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statistics {
    mean: Vec<f32>,
    /// 1 / sqrt(variance + eps)
    inverse: Vec<f32>,
    /// What values are multiplied by, and what is added.
    pub(crate) scale: Vec<f32>,
    pub(crate) shift: Vec<f32>,
    /// Sums of the gradients, times the normalized values and alone, by all values of a channel.
    pulls: Vec<f32>,
    pub(crate) running_mean: Vec<f32>,
    pub(crate) running_variance: Vec<f32>,
    variance: Vec<f64>,
    count: usize,
}

/// Scale and shift of channels of this mean and variance.
pub(crate) fn affine(mean: &[f32], variance: &[f32], weight: &[f32], bias: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let scale = |(weight, variance): (&f32, &f32)| (f64::from(*weight) / (f64::from(*variance) + EPS).sqrt()) as f32;
    let scale: Vec<f32> = weight.iter().zip(variance).map(scale).collect();
    let shift = bias.iter().zip(mean.iter().zip(&scale)).map(|(bias, (mean, scale))| bias - mean * scale).collect();
    (scale, shift)
}

impl Norm {
    /// The values of each channel of each picture.
    fn each(self, pictures: &[f32]) -> impl Iterator<Item = (usize, &[f32])> {
        (0..self.channels).cycle().zip(pictures.chunks_exact(self.values))
    }

    /// Sums, then sums of squares about the mean, of each channel of some pictures.
    pub(crate) fn measure(self, x: &[f32], sums: &mut [f64]) {
        sums.fill(0.0);
        let (sums, squares) = sums.split_at_mut(self.channels);
        for (c, values) in self.each(x) {
            sums[c] += f64::from(total(values));
        }
        let count = (x.len() / self.channels) as f64;
        for (c, values) in self.each(x) {
            squares[c] += f64::from(squares_about((sums[c] / count) as f32, values));
        }
    }

    /// y = x * scale + shift, channel by channel.
    pub(crate) fn forward(self, x: &[f32], y: &mut [f32], scale: &[f32], shift: &[f32]) {
        Arch::new().dispatch(|| {
            for ((c, x), y) in self.each(x).zip(y.chunks_exact_mut(self.values)) {
                let (scale, shift) = (scale[c], shift[c]);
                y.iter_mut().zip(x).for_each(|(y, x)| *y = x * scale + shift);
            }
        });
    }

    /// The gradients of weights, then of biases, of some pictures.
    pub(crate) fn pull(self, x: &[f32], dy: &[f32], known: &Statistics, gradients: &mut [f32]) {
        gradients.fill(0.0);
        let (weights, biases) = gradients.split_at_mut(self.channels);
        for ((c, x), dy) in self.each(x).zip(dy.chunks_exact(self.values)) {
            weights[c] += known.inverse[c] * products_about(known.mean[c], x, dy);
            biases[c] += total(dy);
        }
    }

    /// The gradients of what went in.
    pub(crate) fn backward(self, x: &[f32], dy: &[f32], known: &Statistics, dx: &mut [f32]) {
        let (weights, biases) = known.pulls.split_at(self.channels);
        let part = 1.0 / known.count as f32;
        Arch::new().dispatch(|| {
            let all = self.each(x).zip(dy.chunks_exact(self.values)).zip(dx.chunks_exact_mut(self.values));
            for (((c, x), dy), dx) in all {
                let (mean, scale) = (known.mean[c], known.scale[c]);
                // dx = scale (dy - mean(dy) - normalized mean(dy normalized))
                let lean = known.inverse[c] * weights[c] * part;
                let level = biases[c] * part;
                for ((dx, x), dy) in dx.iter_mut().zip(x).zip(dy) {
                    *dx = scale * (dy - level - (x - mean) * lean);
                }
            }
        });
    }
}

impl Statistics {
    pub(crate) fn new(channels: usize, running_mean: Vec<f32>, running_variance: Vec<f32>) -> Self {
        Statistics {
            mean: vec![0.0; channels],
            inverse: vec![0.0; channels],
            pulls: vec![0.0; 2 * channels],
            variance: vec![0.0; channels],
            running_mean,
            running_variance,
            ..Statistics::default()
        }
    }

    /// Puts together what the parts of a batch measured: for each, how many values a channel had, and [`Norm::measure`].
    pub(crate) fn join<'a>(
        &mut self,
        parts: impl Iterator<Item = (usize, &'a [f64])> + Clone,
        weight: &[f32],
        bias: &[f32],
    ) {
        let channels = self.mean.len();
        self.count = parts.clone().map(|(count, _)| count).sum();
        for c in 0..channels {
            let mean = parts.clone().map(|(_, sums)| sums[c]).sum::<f64>() / self.count as f64;
            let squares = parts.clone().map(|(count, sums)| {
                let apart = sums[c] / count as f64 - mean;
                sums[channels + c] + count as f64 * apart * apart
            });
            self.variance[c] = squares.sum::<f64>() / self.count as f64;
            self.mean[c] = mean as f32;
            self.inverse[c] = (1.0 / (self.variance[c] + EPS).sqrt()) as f32;
        }
        let variance: Vec<f32> = self.variance.iter().map(|v| *v as f32).collect();
        (self.scale, self.shift) = affine(&self.mean, &variance, weight, bias);
    }

    /// Sums the gradients that the parts of a batch found by [`Norm::pull`].
    pub(crate) fn join_pulls<'a>(&mut self, parts: impl Iterator<Item = &'a [f32]>) {
        self.pulls.fill(0.0);
        for part in parts {
            self.pulls.iter_mut().zip(part).for_each(|(sum, own)| *sum += own);
        }
    }

    /// Moves the running mean and variance towards this batch's. The running variance is that of the whole of which the
    /// batch is a sample.
    pub(crate) fn run(&mut self) {
        // One value has no variance to tell of.
        if self.count < 2 {
            return;
        }
        let sample = self.count as f64 / (self.count as f64 - 1.0);
        let blend = |old: &mut f32, new: f64| *old = (f64::from(*old) * (1.0 - MOMENTUM) + new * MOMENTUM) as f32;
        self.running_mean.iter_mut().zip(&self.mean).for_each(|(old, new)| blend(old, f64::from(*new)));
        self.running_variance.iter_mut().zip(&self.variance).for_each(|(old, new)| blend(old, new * sample));
    }
}
