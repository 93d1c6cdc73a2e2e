//! Mean and variance of each channel over a batch that is split into shards, one per thread.
//!
//! Each shard measures its own values; the sums are then merged before any shard continues. Source:
//! Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
//! variances", 1979.

use super::real::Real;
use super::reduce::{centered_sum_of_squares, sum};

/// Added to variances before the square root. PyTorch: `eps` of `nn.BatchNorm2d`.
pub(crate) const BATCH_NORM_EPS: f64 = 1e-5;
/// Weight of a new batch in the running statistics. PyTorch: `momentum` of `nn.BatchNorm2d`.
pub(crate) const BATCH_NORM_MOMENTUM: f64 = 0.1;

/// Shape of one image as channels of `spatial` values each; features have one value per channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ChannelShape {
    pub(crate) channels: usize,
    pub(crate) spatial: usize,
}

impl ChannelShape {
    /// Iterates over (channel, its values) of every image.
    pub(crate) fn iter<T>(self, images: &[T]) -> impl Iterator<Item = (usize, &[T])> {
        (0..self.channels)
            .cycle()
            .zip(images.chunks_exact(self.spatial))
    }

    /// Writes the sum of each channel, then the sum of squares about the mean of each channel.
    ///
    /// # Shapes
    /// `sums` is (2, channels).
    pub(crate) fn measure<T: Real>(self, images: &[T], sums: &mut [f64]) {
        sums.fill(0.0);
        let (sums, squares) = sums.split_at_mut(self.channels);
        for (c, values) in self.iter(images) {
            sums[c] += sum(values).into();
        }
        let count = (images.len() / self.channels) as f64;
        for (c, values) in self.iter(images) {
            squares[c] += centered_sum_of_squares(T::of(sums[c] / count), values).into();
        }
    }
}

/// Sums of one shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShardSums<'a> {
    /// Number of values per channel.
    pub(crate) count: usize,
    /// Result of [`ChannelShape::measure`].
    pub(crate) sums: &'a [f64],
}

impl ShardSums<'_> {
    /// Sums of several shards as those of one: the number of values, and the sums.
    pub(crate) fn joined<'a>(
        shards: impl Iterator<Item = ShardSums<'a>> + Clone,
        channels: usize,
    ) -> (usize, Vec<f64>) {
        let count: usize = shards.clone().map(|shard| shard.count).sum();
        let mut joined = vec![0.0; 2 * channels];
        let (totals, squares) = joined.split_at_mut(channels);
        for c in 0..channels {
            totals[c] = shards.clone().map(|shard| shard.sums[c]).sum();
            let mean = totals[c] / count as f64;
            let of_shard = |ShardSums { count, sums }: ShardSums<'_>| {
                let difference = sums[c] / count as f64 - mean;
                sums[channels + c] + count as f64 * difference * difference
            };
            squares[c] = shards.clone().map(of_shard).sum();
        }
        (count, joined)
    }
}

/// Statistics of each channel over a whole batch, and the running ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct BatchStats<T> {
    pub(crate) mean: Vec<T>,
    /// 1 / sqrt(variance + eps)
    pub(crate) inv_std: Vec<T>,
    /// Factor of [`scale_and_shift`].
    pub(crate) scale: Vec<T>,
    /// Summand of [`scale_and_shift`].
    pub(crate) shift: Vec<T>,
    /// Σ dy x̂ of each channel, then Σ dy of each channel, x̂ being the normalized input.
    pub(crate) grad_sums: Vec<T>,
    pub(crate) running_mean: Vec<T>,
    pub(crate) running_variance: Vec<T>,
    variance: Vec<f64>,
    /// Number of values per channel in the batch.
    pub(crate) count: usize,
}

/// Folds normalization, weight and bias into y = scale x + shift per channel.
pub(crate) fn scale_and_shift<T: Real>(
    mean: &[T],
    variance: &[T],
    weight: &[T],
    bias: &[T],
) -> (Vec<T>, Vec<T>) {
    let std = |variance: T| (variance.into() + BATCH_NORM_EPS).sqrt();
    let scale = weight
        .iter()
        .zip(variance)
        .map(|(weight, variance)| T::of((*weight).into() / std(*variance)));
    let scale: Vec<T> = scale.collect();
    let shift = bias
        .iter()
        .zip(mean.iter().zip(&scale))
        .map(|(bias, (mean, scale))| *bias - *mean * *scale)
        .collect();
    (scale, shift)
}

impl<T: Real> BatchStats<T> {
    pub(crate) fn new(running_mean: Vec<T>, running_variance: Vec<T>) -> Self {
        let channels = running_mean.len();
        BatchStats {
            mean: vec![T::ZERO; channels],
            inv_std: vec![T::ZERO; channels],
            grad_sums: vec![T::ZERO; 2 * channels],
            variance: vec![0.0; channels],
            running_mean,
            running_variance,
            ..BatchStats::default()
        }
    }

    /// Merges the sums of all shards into the batch's mean, variance, scale and shift.
    pub(crate) fn merge<'a>(
        &mut self,
        shards: impl Iterator<Item = ShardSums<'a>> + Clone,
        weight: &[T],
        bias: &[T],
    ) {
        let channels = self.mean.len();
        self.count = shards.clone().map(|shard| shard.count).sum();
        for c in 0..channels {
            let total = shards.clone().map(|shard| shard.sums[c]).sum::<f64>();
            let mean = total / self.count as f64;
            let squares = shards.clone().map(|ShardSums { count, sums }| {
                let difference = sums[c] / count as f64 - mean;
                sums[channels + c] + count as f64 * difference * difference
            });
            self.variance[c] = squares.sum::<f64>() / self.count as f64;
            self.mean[c] = T::of(mean);
            self.inv_std[c] = T::of(1.0 / (self.variance[c] + BATCH_NORM_EPS).sqrt());
        }
        let variance: Vec<T> = self.variance.iter().map(|v| T::of(*v)).collect();
        (self.scale, self.shift) = scale_and_shift(&self.mean, &variance, weight, bias);
    }

    /// Sums the shards' gradient sums.
    pub(crate) fn merge_grad_sums<'a>(&mut self, shards: impl Iterator<Item = &'a [T]>) {
        self.grad_sums.fill(T::ZERO);
        for shard in shards {
            self.grad_sums
                .iter_mut()
                .zip(shard)
                .for_each(|(sum, v)| *sum += *v);
        }
    }

    /// Moves the running mean and variance towards this batch's. The running variance is the
    /// unbiased estimate, as in PyTorch.
    pub(crate) fn update_running(&mut self) {
        // The unbiased variance of a single value is undefined.
        if self.count < 2 {
            return;
        }
        let unbiased = self.count as f64 / (self.count as f64 - 1.0);
        let blend = |old: &mut T, new: f64| {
            *old = T::of((*old).into() * (1.0 - BATCH_NORM_MOMENTUM) + new * BATCH_NORM_MOMENTUM)
        };
        self.running_mean
            .iter_mut()
            .zip(&self.mean)
            .for_each(|(old, new)| blend(old, (*new).into()));
        self.running_variance
            .iter_mut()
            .zip(&self.variance)
            .for_each(|(old, new)| blend(old, new * unbiased));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ChannelShape = ChannelShape {
        channels: 2,
        spatial: 3,
    };

    /// Statistics of images that are measured in shards of these sizes.
    fn stats(images: &[f64], shards: &[usize]) -> BatchStats<f64> {
        let mut first = 0;
        let measured: Vec<(usize, [f64; 4])> = shards
            .iter()
            .map(|&n| {
                let values = &images[first..first + n * 6];
                first += n * 6;
                let mut sums = [f64::NAN; 4];
                SHAPE.measure(values, &mut sums);
                (n * SHAPE.spatial, sums)
            })
            .collect();
        let mut stats = BatchStats::new(vec![0.0; 2], vec![1.0; 2]);
        let sums = measured.iter().map(|(count, sums)| ShardSums {
            count: *count,
            sums,
        });
        stats.merge(sums, &[2.0, 1.0], &[0.5, 0.0]);
        stats
    }

    #[test]
    fn merged_shards_give_the_mean_and_variance_of_the_whole_batch() {
        let images: Vec<f64> = (0..30).map(|i| f64::from(i * i % 17)).collect(); // (5, 2, 3)
        for shards in [&[5][..], &[2, 3], &[1, 1, 3]] {
            let stats = stats(&images, shards);
            assert_eq!(stats.count, 15);
            for c in 0..2 {
                let values: Vec<f64> = SHAPE
                    .iter(&images)
                    .filter(|(channel, _)| *channel == c)
                    .flat_map(|(_, values)| values.iter().copied())
                    .collect();
                let mean = values.iter().sum::<f64>() / 15.0;
                let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 15.0;
                assert!((stats.mean[c] - mean).abs() < 1e-12);
                assert!((stats.variance[c] - variance).abs() < 1e-12, "{shards:?}");
            }
        }
    }

    #[test]
    fn joined_sums_are_those_of_one_shard() {
        let images: Vec<f64> = (0..30).map(|i| f64::from(i * i % 17)).collect();
        let measured = |values: &[f64]| {
            let mut sums = [0.0; 4];
            SHAPE.measure(values, &mut sums);
            sums
        };
        let (whole, parts) = (measured(&images), [&images[..12], &images[12..]]);
        let sums = parts.map(measured);
        let shards = sums.iter().zip([6, 9]);
        let shards = shards.map(|(sums, count)| ShardSums { count, sums });
        let (count, joined) = ShardSums::joined(shards, 2);
        assert_eq!(count, 15);
        for (found, expected) in joined.iter().zip(whole) {
            assert!(
                (found - expected).abs() < 1e-10,
                "{joined:?}, expected {whole:?}"
            );
        }
    }

    #[test]
    fn scale_and_shift_give_zero_mean_and_unit_variance_times_weight_plus_bias() {
        let images: Vec<f64> = (0..30).map(|i| f64::from(i * i % 17)).collect();
        let stats = stats(&images, &[5]);
        let normalized: Vec<f64> = SHAPE
            .iter(&images)
            .filter(|(channel, _)| *channel == 0)
            .flat_map(|(_, values)| values.iter().map(|v| v * stats.scale[0] + stats.shift[0]))
            .collect();
        let mean = normalized.iter().sum::<f64>() / 15.0;
        let variance = normalized.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 15.0;
        assert!((mean - 0.5).abs() < 1e-12, "{mean}");
        assert!((variance - 4.0).abs() < 1e-4, "{variance}");
    }

    #[test]
    fn running_statistics_move_a_tenth_towards_the_batch_and_not_at_all_for_one_value() {
        let images: Vec<f64> = (0..30).map(f64::from).collect();
        let mut moved = stats(&images, &[5]);
        moved.update_running();
        assert!((moved.running_mean[1] - 0.1 * moved.mean[1]).abs() < 1e-12);
        let unbiased = moved.variance[1] * 15.0 / 14.0;
        assert!((moved.running_variance[1] - (0.9 + 0.1 * unbiased)).abs() < 1e-12);
        let mut single = BatchStats::new(vec![0.0], vec![1.0]);
        let sums = ShardSums {
            count: 1,
            sums: &[5.0, 0.0],
        };
        single.merge(std::iter::once(sums), &[1.0], &[0.0]);
        single.update_running();
        assert_eq!(
            (single.running_mean, single.running_variance),
            (vec![0.0], vec![1.0])
        );
    }
}
