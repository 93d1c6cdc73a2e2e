//! Weight gradients and the optimizer step, fused: each block of units is updated while its
//! gradients are in the cache.

use crate::layer::Number;
use crate::optim::{Moments, Update};
use crate::plan::{Shard, Stage, weight_gradients};
use std::ops::Range;

/// Parameters with their gradients and moments. Moments that the optimizer does not keep are empty.
pub(crate) struct ParamBlock<'a, T> {
    values: &'a mut [T],
    pub(crate) gradients: &'a mut [T],
    moments: [&'a mut [T]; 2],
}

impl<'a, T: Number> ParamBlock<'a, T> {
    /// Block of the parameters in `range`.
    pub(crate) fn new(
        values: &'a mut [T],
        gradients: &'a mut [T],
        moments: &'a mut Moments<T>,
        range: Range<usize>,
    ) -> Self {
        ParamBlock {
            values: &mut values[range.clone()],
            gradients: &mut gradients[range.clone()],
            moments: moments
                .each_mut()
                .map(|moment| moment.get_mut(range.clone()).unwrap_or_default()),
        }
    }

    /// First `n` parameters, and the rest.
    pub(crate) fn split_at(self, n: usize) -> (Self, Self) {
        let (values, other_values) = self.values.split_at_mut(n);
        let (gradients, other_gradients) = self.gradients.split_at_mut(n);
        let [first, second] = self.moments;
        let (first, other_first) = first.split_at_mut(n.min(first.len()));
        let (second, other_second) = second.split_at_mut(n.min(second.len()));
        let head = ParamBlock {
            values,
            gradients,
            moments: [first, second],
        };
        let tail = ParamBlock {
            values: other_values,
            gradients: other_gradients,
            moments: [other_first, other_second],
        };
        (head, tail)
    }

    /// Takes the optimizer step with the gradients of this block.
    pub(crate) fn step(self, update: &Update) {
        update.apply(self.values, self.gradients, self.moments);
    }
}

/// Weights and biases of some units of a dense layer.
pub(crate) struct UnitBlock<'a, T> {
    pub(crate) units: Range<usize>,
    pub(crate) weights: ParamBlock<'a, T>,
    pub(crate) biases: ParamBlock<'a, T>,
}

/// Dense layer whose weights are updated from the shards of a batch.
#[derive(Clone, Copy)]
pub(crate) struct DenseUpdate<'a, T> {
    pub(crate) shards: &'a [Shard<T>],
    /// Position of the stage in the plan.
    pub(crate) index: usize,
    pub(crate) stage: &'a Stage,
    pub(crate) update: &'a Update,
}

impl<T: Number> DenseUpdate<'_, T> {
    /// Updates a block of units on `threads` threads, by halving it until each has one part.
    pub(crate) fn run(self, block: UnitBlock<'_, T>, threads: usize) {
        let count = block.units.len();
        if threads <= 1 || count < 2 {
            return self.update_block(block);
        }
        let half = (count * (threads / 2) / threads).max(1);
        let (left, right) = self.split(block, half);
        rayon::join(
            || self.run(left, threads / 2),
            || self.run(right, threads - threads / 2),
        );
    }

    /// First `n` units of a block, and the rest.
    fn split<'b>(self, block: UnitBlock<'b, T>, n: usize) -> (UnitBlock<'b, T>, UnitBlock<'b, T>) {
        let middle = block.units.start + n;
        let (weights, other_weights) = block.weights.split_at(n * self.stage.inputs);
        let (biases, other_biases) = block.biases.split_at(n);
        let head = UnitBlock {
            units: block.units.start..middle,
            weights,
            biases,
        };
        let tail = UnitBlock {
            units: middle..block.units.end,
            weights: other_weights,
            biases: other_biases,
        };
        (head, tail)
    }

    /// Computes the gradients of a block and takes the optimizer step.
    fn update_block(self, block: UnitBlock<'_, T>) {
        let UnitBlock {
            units,
            weights,
            biases,
        } = block;
        weight_gradients(
            self.shards,
            self.index,
            self.stage,
            units,
            weights.gradients,
            biases.gradients,
        );
        weights.step(self.update);
        biases.step(self.update);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::{Optim, Rates, UpdateRule};

    #[test]
    fn a_split_block_updates_the_same_values() {
        let rates = Rates {
            learning_rate: 0.5,
            ..Default::default()
        };
        let mut rule = UpdateRule::new(Optim::sgd(0.9), rates);
        let (mut values, mut gradients) = (vec![1.0, 2.0, 3.0, 4.0], vec![0.0, 1.0, 2.0, 3.0]);
        let mut moments = rule.zero_moments(4);
        let update = rule.next_update();
        let block = ParamBlock::new(&mut values, &mut gradients, &mut moments, 1..4);
        let (head, tail) = block.split_at(1);
        head.step(&update);
        tail.step(&update);
        assert_eq!(values, [1.0, 1.5, 2.0, 2.5]);
        assert_eq!(moments, [vec![0.0, 1.0, 2.0, 3.0], vec![]]);
    }
}
