//! Average of a model's weights and buffers in the planned step.

use super::executor::Averaging;
use crate::math::Real;
use crate::optim::move_average;
use rayon::prelude::*;

/// Values per task.
const CHUNK_VALUES: usize = 1 << 14;

/// Average of weights, and of buffers.
#[derive(Clone, Debug)]
pub(crate) struct HostAverage<T> {
    averaging: Averaging,
    pub(crate) parameters: Vec<T>,
    pub(crate) buffers: Vec<T>,
}

impl<T: Real> HostAverage<T> {
    /// Average before the first step.
    pub(crate) fn new(averaging: Averaging, parameters: usize) -> Self {
        let n = if averaging.is_on() { parameters } else { 0 };
        HostAverage {
            averaging,
            parameters: vec![T::ZERO; n],
            buffers: Vec::new(),
        }
    }

    /// True if the average has begun after this number of steps.
    pub(crate) fn has_begun(&self, steps: i32) -> bool {
        self.averaging.has_begun(steps)
    }

    /// Share of the weights after this number of steps; none if they do not enter the average.
    pub(crate) fn share(&self, steps: i32) -> Option<f64> {
        self.averaging.share(steps)
    }

    /// Takes in weights.
    pub(crate) fn add_parameters(&mut self, share: f64, parameters: &[T]) {
        let chunks = self.parameters.par_chunks_mut(CHUNK_VALUES);
        chunks
            .zip(parameters.par_chunks(CHUNK_VALUES))
            .for_each(|(average, values)| move_average(average, values, share));
    }

    /// Takes in buffers.
    pub(crate) fn add_buffers(&mut self, share: f64, buffers: Vec<T>) {
        if self.buffers.len() == buffers.len() {
            move_average(&mut self.buffers, &buffers, share);
        } else {
            self.buffers = buffers;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::Average;

    #[test]
    fn it_covers_weights_and_buffers() {
        let averaging = Averaging {
            average: Average::Swa { from_epoch: 2 },
            steps_per_epoch: 1,
            first_step: 0,
        };
        let mut average = HostAverage::new(averaging, 2);
        for steps in 1..=3 {
            let Some(share) = average.share(steps) else {
                assert_eq!(steps, 1);
                continue;
            };
            let x = steps as f32;
            average.add_parameters(share, &[x, 2.0 * x]);
            average.add_buffers(share, vec![3.0 * x]);
        }
        assert!(average.has_begun(2) && !average.has_begun(1));
        assert_eq!(
            (average.parameters, average.buffers),
            (vec![2.5, 5.0], vec![7.5])
        );
    }
}
