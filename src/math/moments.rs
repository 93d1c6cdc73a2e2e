//! Mean and variance of each channel over a batch that is in parts, one to a thread: each part measures its own values, and the
//! parts' numbers are put together before any part goes on (Chan, Golub and LeVeque, "Updating formulae", 1979).

use crate::math::real::Real;
use crate::math::reduce::{squares_about, total};

/// Added to variances, so that a channel of one value can be divided by its deviation.
pub(crate) const EPS: f64 = 1e-5;
/// How much of a batch's numbers enters the running ones.
pub(crate) const MOMENTUM: f64 = 0.1;

/// Channels of so many values each in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Channels {
    pub(crate) count: usize,
    pub(crate) values: usize,
}

impl Channels {
    /// The values of each channel of each picture.
    pub(crate) fn each<T>(self, pictures: &[T]) -> impl Iterator<Item = (usize, &[T])> {
        (0..self.count)
            .cycle()
            .zip(pictures.chunks_exact(self.values))
    }

    /// Sums, then sums of squares about the mean, of each channel of some pictures.
    pub(crate) fn measure<T: Real>(self, x: &[T], sums: &mut [f64]) {
        sums.fill(0.0);
        let (sums, squares) = sums.split_at_mut(self.count);
        for (c, values) in self.each(x) {
            sums[c] += total(values).into();
        }
        let count = (x.len() / self.count) as f64;
        for (c, values) in self.each(x) {
            squares[c] += squares_about(T::of(sums[c] / count), values).into();
        }
    }
}

/// What is known of each channel over a whole batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statistics<T> {
    pub(crate) mean: Vec<T>,
    /// 1 / sqrt(variance + eps)
    pub(crate) inverse: Vec<T>,
    /// What values are multiplied by, and what is added.
    pub(crate) scale: Vec<T>,
    pub(crate) shift: Vec<T>,
    /// Sums of the gradients, times the normalized values and alone, by all values of a channel.
    pub(crate) pulls: Vec<T>,
    pub(crate) running_mean: Vec<T>,
    pub(crate) running_variance: Vec<T>,
    variance: Vec<f64>,
    pub(crate) count: usize,
}

/// Scale and shift of channels of this mean and variance.
pub(crate) fn affine<T: Real>(
    mean: &[T],
    variance: &[T],
    weight: &[T],
    bias: &[T],
) -> (Vec<T>, Vec<T>) {
    let deviation = |variance: T| (variance.into() + EPS).sqrt();
    let scale = weight
        .iter()
        .zip(variance)
        .map(|(weight, variance)| T::of((*weight).into() / deviation(*variance)));
    let scale: Vec<T> = scale.collect();
    let shift = bias
        .iter()
        .zip(mean.iter().zip(&scale))
        .map(|(bias, (mean, scale))| *bias - *mean * *scale)
        .collect();
    (scale, shift)
}

impl<T: Real> Statistics<T> {
    pub(crate) fn new(running_mean: Vec<T>, running_variance: Vec<T>) -> Self {
        let channels = running_mean.len();
        Statistics {
            mean: vec![T::ZERO; channels],
            inverse: vec![T::ZERO; channels],
            pulls: vec![T::ZERO; 2 * channels],
            variance: vec![0.0; channels],
            running_mean,
            running_variance,
            ..Statistics::default()
        }
    }

    /// Puts together what the parts of a batch measured: for each, how many values a channel had, and [`Channels::measure`].
    pub(crate) fn join<'a>(
        &mut self,
        parts: impl Iterator<Item = (usize, &'a [f64])> + Clone,
        weight: &[T],
        bias: &[T],
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
            self.mean[c] = T::of(mean);
            self.inverse[c] = T::of(1.0 / (self.variance[c] + EPS).sqrt());
        }
        let variance: Vec<T> = self.variance.iter().map(|v| T::of(*v)).collect();
        (self.scale, self.shift) = affine(&self.mean, &variance, weight, bias);
    }

    /// Sums the gradients that the parts of a batch found.
    pub(crate) fn join_pulls<'a>(&mut self, parts: impl Iterator<Item = &'a [T]>) {
        self.pulls.fill(T::ZERO);
        for part in parts {
            self.pulls
                .iter_mut()
                .zip(part)
                .for_each(|(sum, own)| *sum += *own);
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
        let blend =
            |old: &mut T, new: f64| *old = T::of((*old).into() * (1.0 - MOMENTUM) + new * MOMENTUM);
        self.running_mean
            .iter_mut()
            .zip(&self.mean)
            .for_each(|(old, new)| blend(old, (*new).into()));
        self.running_variance
            .iter_mut()
            .zip(&self.variance)
            .for_each(|(old, new)| blend(old, new * sample));
    }
}
