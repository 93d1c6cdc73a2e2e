//! Sums of an elementwise loss over pairs of output and target, with gradients.

use crate::math::{LANES, Real};

/// Value of a loss for one pair of output and target, and its derivative with respect to the
/// output.
pub(crate) struct PairLoss<T> {
    pub(crate) value: T,
    pub(crate) gradient: T,
}

/// Sums a loss over all pairs, in `LANES` partial sums, and writes each gradient times `scale`.
#[inline(always)]
pub(crate) fn sum_pairs<T: Real>(
    output: &[T],
    target: &[T],
    gradients: &mut [T],
    scale: T,
    loss: impl Fn(T, T) -> PairLoss<T>,
) -> T {
    let mut sums = [T::ZERO; LANES];
    let all = output
        .chunks(LANES)
        .zip(target.chunks(LANES))
        .zip(gradients.chunks_mut(LANES));
    for ((output, target), gradients) in all {
        for (((&y, &t), g), sum) in output.iter().zip(target).zip(gradients).zip(&mut sums) {
            let PairLoss { value, gradient } = loss(y, t);
            *sum += value;
            *g = scale * gradient;
        }
    }
    sums.into_iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_counts_when_the_lanes_are_not_full() {
        let n = 3 * LANES + 1;
        let mut gradients = vec![0f64; n];
        let product = |y: f64, t: f64| PairLoss {
            value: y * t,
            gradient: t,
        };
        let sum = sum_pairs(&vec![2.0; n], &vec![3.0; n], &mut gradients, 0.5, product);
        assert_eq!(sum, 6.0 * n as f64);
        assert_eq!(gradients, vec![1.5; n]);
    }
}
