//! Weight gradients and the optimizer step, fused: each block of parameters is updated while its
//! gradients are in the cache.

use crate::layer::Number;
use crate::optim::{MomentSlices, Moments, Update, move_average};
use crate::plan::{Shard, Stage, summed_gradients, weight_gradients};
use std::ops::Range;

/// Parameters in a block of [`ParamBlock::over_chunks`]: few enough for the second-level cache.
const CHUNK_PARAMETERS: usize = 1 << 14;

/// Consecutive parameters of one group, up to `end`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GroupSpan {
    end: usize,
    group: usize,
}

/// Spans of variables with these sizes and groups.
pub(crate) fn group_spans(
    sizes: impl IntoIterator<Item = usize>,
    group_of: &[usize],
) -> Vec<GroupSpan> {
    let (mut spans, mut end): (Vec<GroupSpan>, _) = (Vec::new(), 0);
    for (size, &group) in sizes.into_iter().zip(group_of) {
        end += size;
        match spans.last_mut() {
            Some(last) if last.group == group => last.end = end,
            _ => spans.push(GroupSpan { end, group }),
        }
    }
    spans
}

/// Updates of one optimizer step: which one is that of a parameter follows from its position.
#[derive(Clone, Copy)]
pub(crate) struct GroupUpdates<'a> {
    /// One for each group.
    pub(crate) updates: &'a [Update],
    pub(crate) spans: &'a [GroupSpan],
    /// Share of the new values in the average of the blocks that have one.
    pub(crate) share: f64,
}

/// Parameters with their gradients, moments and average. Moments that the optimizer does not keep are
/// empty, and so is an average that the new values do not enter.
pub(crate) struct ParamBlock<'a, T> {
    /// Position of the first one in the model.
    pub(crate) start: usize,
    values: &'a mut [T],
    pub(crate) gradients: &'a mut [T],
    moments: MomentSlices<'a, T>,
    average: &'a mut [T],
}

impl<'a, T: Number> ParamBlock<'a, T> {
    /// Block of the parameters in `range`.
    pub(crate) fn new(
        values: &'a mut [T],
        gradients: &'a mut [T],
        moments: &'a mut Moments<T>,
        average: &'a mut [T],
        range: Range<usize>,
    ) -> Self {
        ParamBlock {
            start: range.start,
            values: &mut values[range.clone()],
            gradients: &mut gradients[range.clone()],
            moments: moments
                .each_mut()
                .map(|moment| moment.get_mut(range.clone()).unwrap_or_default()),
            average: average.get_mut(range).unwrap_or_default(),
        }
    }

    /// First `n` parameters, and the rest.
    pub(crate) fn split_at(self, n: usize) -> (Self, Self) {
        let (values, other_values) = self.values.split_at_mut(n);
        let (gradients, other_gradients) = self.gradients.split_at_mut(n);
        let mut other_moments = MomentSlices::default();
        let mut others = other_moments.iter_mut();
        let moments = self.moments.map(|moment| {
            let n = n.min(moment.len());
            let (moment, rest) = moment.split_at_mut(n);
            if let Some(other) = others.next() {
                *other = rest;
            }
            moment
        });
        let (average, other_average) = self.average.split_at_mut(n.min(self.average.len()));
        let head = ParamBlock {
            start: self.start,
            values,
            gradients,
            moments,
            average,
        };
        let tail = ParamBlock {
            start: self.start + n,
            values: other_values,
            gradients: other_gradients,
            moments: other_moments,
            average: other_average,
        };
        (head, tail)
    }

    /// Takes the optimizer step with the gradients of this block, and takes the new values into the
    /// average.
    pub(crate) fn step(mut self, all: GroupUpdates<'_>) {
        let first = all.spans.partition_point(|span| span.end <= self.start);
        for span in &all.spans[first..] {
            let rest;
            let n = self.values.len().min(span.end - self.start);
            (self, rest) = self.split_at(n);
            all.updates[span.group].apply(self.values, self.gradients, self.moments);
            if !self.average.is_empty() {
                move_average(self.average, self.values, all.share);
            }
            if rest.values.is_empty() {
                return;
            }
            self = rest;
        }
    }

    /// Applies `f` to blocks of at most [`CHUNK_PARAMETERS`], in parallel, and sums the results in an
    /// order that does not depend on the number of threads.
    pub(crate) fn over_chunks(self, f: &(impl Fn(ParamBlock<'_, T>) -> f64 + Sync)) -> f64 {
        let n = self.values.len();
        if n <= CHUNK_PARAMETERS {
            return f(self);
        }
        let (left, right) = self.split_at(n / 2);
        let (left, right) = rayon::join(|| left.over_chunks(f), || right.over_chunks(f));
        left + right
    }
}

/// Weights and biases of some units of a dense layer.
pub(crate) struct UnitBlock<'a, T> {
    pub(crate) units: Range<usize>,
    pub(crate) weights: ParamBlock<'a, T>,
    pub(crate) biases: ParamBlock<'a, T>,
}

impl<T: Number> UnitBlock<'_, T> {
    /// First `n` units of a layer with this number of inputs, and the rest.
    fn split_at(self, n: usize, inputs: usize) -> (Self, Self) {
        let middle = self.units.start + n;
        let (weights, other_weights) = self.weights.split_at(n * inputs);
        let (biases, other_biases) = self.biases.split_at(n);
        let head = UnitBlock {
            units: self.units.start..middle,
            weights,
            biases,
        };
        let tail = UnitBlock {
            units: middle..self.units.end,
            weights: other_weights,
            biases: other_biases,
        };
        (head, tail)
    }
}

/// Parameters of a stage whose gradients follow from the shards of a batch.
pub(crate) enum GradientTask<'a, T> {
    /// Units of a dense layer.
    Units(&'a Stage, usize, UnitBlock<'a, T>),
    /// All parameters of a layer at this position, whose gradients the shards have summed.
    Sums(usize, ParamBlock<'a, T>),
}

impl<T: Number> GradientTask<'_, T> {
    fn run(self, shards: &[Shard<T>], then: &impl Fn(ParamBlock<'_, T>)) {
        match self {
            GradientTask::Units(stage, index, block) => {
                let UnitBlock {
                    units,
                    weights,
                    biases,
                } = block;
                let (values, bias_values) = (&mut *weights.gradients, &mut *biases.gradients);
                weight_gradients(shards, index, stage, units, values, bias_values);
                then(weights);
                then(biases);
            }
            GradientTask::Sums(index, block) => {
                summed_gradients(shards, index, block.gradients);
                then(block);
            }
        }
    }
}

/// Computes the gradients of all tasks, and hands each block of parameters to `then`. Each thread gets
/// a share of the units of every dense layer, so that the threads synchronize once.
pub(crate) fn run_tasks<T: Number>(
    tasks: Vec<GradientTask<'_, T>>,
    shards: &[Shard<T>],
    threads: usize,
    then: &(impl Fn(ParamBlock<'_, T>) + Sync),
) {
    if threads <= 1 {
        tasks.into_iter().for_each(|task| task.run(shards, then));
        return;
    }
    let (mut left, mut right) = (Vec::with_capacity(tasks.len()), Vec::new());
    for task in tasks {
        match task {
            GradientTask::Units(stage, index, block) if block.units.len() > 1 => {
                let half = (block.units.len() * (threads / 2) / threads).max(1);
                let (head, tail) = block.split_at(half, stage.inputs);
                left.push(GradientTask::Units(stage, index, head));
                right.push(GradientTask::Units(stage, index, tail));
            }
            whole => left.push(whole),
        }
    }
    rayon::join(
        || run_tasks(left, shards, threads / 2, then),
        || run_tasks(right, shards, threads - threads / 2, then),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::{GroupRates, Optim, UpdateRule};

    #[test]
    fn a_split_block_updates_the_same_values() {
        let mut rule = UpdateRule::new(Optim::sgd(0.9), 0.5, vec![GroupRates::default()]);
        let (mut values, mut gradients) = (vec![1.0, 2.0, 3.0, 4.0], vec![0.0, 1.0, 2.0, 3.0]);
        let mut moments = rule.initial_moments(4);
        let mut average = [0.0; 4];
        let updates = GroupUpdates {
            updates: rule.next_updates(),
            spans: &group_spans([4], &[0]),
            share: 0.5,
        };
        let block = ParamBlock::new(
            &mut values,
            &mut gradients,
            &mut moments,
            &mut average,
            1..4,
        );
        let (head, tail) = block.split_at(1);
        head.step(updates);
        tail.step(updates);
        assert_eq!(values, [1.0, 1.5, 2.0, 2.5]);
        assert_eq!(average, [0.0, 0.75, 1.0, 1.25]);
        assert_eq!(moments, [vec![0.0, 1.0, 2.0, 3.0], vec![], vec![]]);
    }

    #[test]
    fn each_parameter_has_the_rate_of_its_group() {
        let rates = [0.0, 0.5, 1.0].map(GroupRates::of_others);
        let mut rule = UpdateRule::new(Optim::sgd(0.0), 1.0, rates.to_vec());
        let spans = group_spans([2, 1, 3, 1, 1], &[0, 2, 2, 1, 0]);
        assert_eq!(spans.len(), 4);
        let mut moments = rule.initial_moments(8);
        let updates = GroupUpdates {
            updates: rule.next_updates(),
            spans: &spans,
            share: 0.0,
        };
        for split in 0..=8 {
            let (mut values, mut gradients) = ([2.0f32; 8], [0.0; 8]);
            let block = ParamBlock::new(&mut values, &mut gradients, &mut moments, &mut [], 0..8);
            let (head, tail) = block.split_at(split);
            tail.step(updates);
            head.step(updates);
            // The weight decay is the share that is subtracted.
            assert_eq!(values, [2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0], "{split}");
        }
    }

    #[test]
    fn chunks_cover_all_parameters_once() {
        let n = 5 * CHUNK_PARAMETERS + 7;
        let (mut values, mut gradients) = (vec![0f32; n], vec![1f32; n]);
        let mut moments = Moments::default();
        let block = ParamBlock::new(&mut values, &mut gradients, &mut moments, &mut [], 0..n);
        let count = block.over_chunks(&|chunk| {
            chunk.gradients[0] = chunk.start as f32;
            chunk.gradients.len() as f64
        });
        assert_eq!(count, n as f64);
        let starts = gradients.iter().enumerate().filter(|(_, g)| **g != 1.0);
        assert!(starts.map(|(i, g)| (i as f32, *g)).all(|(i, g)| i == g));
    }
}
