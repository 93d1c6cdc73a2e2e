//! Some pictures of a batch on their way through the stages of a plan in training, and back.
//!
//! A normalization needs numbers of the whole batch: there all passes wait for each other. What lies between two of those
//! places is a segment, which each pass runs by itself.

use crate::layer::{BackwardArgs, ForwardArgs, Number, Workspace};
use crate::loss::Loss;
use crate::math::{
    BatchStats, Matrix, Rng, ShardSums, add_column_sums, add_to_rows, dropout_scale, matmul,
    mul_assign,
};
use crate::plan::plan::Plan;
use crate::plan::stage::Stage;
use std::ops::Range;

/// The segments of a plan: each but the last ends before a normalization, each but the first begins with one.
pub(crate) fn segments(plan: &Plan) -> Vec<Range<usize>> {
    let stages = plan.stages().iter().enumerate();
    let norms = stages
        .filter(|(_, stage)| stage.kernel.channels().is_some())
        .map(|(i, _)| i);
    let bounds: Vec<usize> = std::iter::once(0)
        .chain(norms)
        .chain([plan.stages().len()])
        .collect();
    bounds.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// What all passes of a batch compute with.
#[derive(Clone, Copy)]
pub(crate) struct StepContext<'a, T> {
    pub(crate) plan: &'a Plan,
    pub(crate) parameters: &'a [T],
    /// For each stage; of use where it is a normalization.
    pub(crate) norms: &'a [BatchStats<T>],
    /// Stands where the batch's first draw is; stages draw in order, as one pass over the whole batch would.
    pub(crate) dropout: &'a Rng,
    pub(crate) batch: usize,
}

/// What some pictures of a batch need.
#[derive(Debug)]
pub(crate) struct Shard<T> {
    /// How many pictures it holds now, and which of the batch is the first.
    pub(crate) rows: usize,
    first: usize,
    /// What goes into the first stage, and what comes out of each.
    values: Vec<Vec<T>>,
    /// The loss's gradients by what comes out of each stage before its activation; those by the input are not needed.
    gradients: Vec<Vec<T>>,
    /// What dropout multiplies by, for each stage that drops.
    masks: Vec<Vec<T>>,
    workspaces: Vec<Workspace<T>>,
}

impl<T: Number> Shard<T> {
    /// Room for so many pictures.
    pub(crate) fn new(plan: &Plan, rows: usize) -> Self {
        let outputs = || {
            plan.stages()
                .iter()
                .map(|stage| vec![T::ZERO; rows * stage.outputs])
        };
        let first = plan.stages().first().map_or(0, |stage| rows * stage.inputs);
        let mask = |stage: &Stage| {
            vec![
                T::ZERO;
                if stage.dropout.is_some() {
                    rows * stage.outputs
                } else {
                    0
                }
            ]
        };
        Shard {
            rows: 0,
            first: 0,
            values: std::iter::once(vec![T::ZERO; first])
                .chain(outputs())
                .collect(),
            gradients: outputs().collect(),
            masks: plan.stages().iter().map(mask).collect(),
            workspaces: plan.workspaces(rows, true),
        }
    }

    /// The place for the pictures that go in: these rows of the batch.
    pub(crate) fn input(&mut self, plan: &Plan, rows: Range<usize>) -> &mut [T] {
        (self.rows, self.first) = (rows.len(), rows.start);
        &mut self.values[0][..rows.len() * plan.stages()[0].inputs]
    }

    /// The sum of the losses of all values, with the gradients of their mean over a batch. The target is what went in where
    /// no other is given.
    pub(crate) fn loss_and_grad(
        &mut self,
        plan: &Plan,
        loss: Loss,
        target: Option<&[T]>,
        batch: usize,
    ) -> f64 {
        let last = plan.stages().len() - 1;
        let outputs = plan.stages()[last].outputs;
        let n = self.rows * outputs;
        let target = target.unwrap_or(&self.values[0]);
        loss.sum_and_gradients(
            &self.values[last + 1][..n],
            &target[..n],
            &mut self.gradients[last][..n],
            batch * outputs,
        )
    }

    /// Runs a segment, and measures what goes into the normalization after it.
    pub(crate) fn forward(&mut self, common: StepContext<'_, T>, segment: Range<usize>) {
        let StepContext {
            plan,
            parameters,
            norms,
            dropout,
            batch,
        } = common;
        let stages = plan.stages();
        let mut drawn: usize = stages[..segment.start]
            .iter()
            .map(|stage| batch * stage.dropped())
            .sum();
        for i in segment.clone() {
            let stage = &stages[i];
            let (before, after) = self.values.split_at_mut(i + 1);
            let x = &before[i][..self.rows * stage.inputs];
            let y = &mut after[0][..self.rows * stage.outputs];
            let added = match stage.kernel.source() {
                Some(source) => &before[source][..self.rows * stage.outputs],
                None => &[],
            };
            let (weight, bias) = match stage.kernel.channels() {
                Some(_) => (norms[i].scale.as_slice(), norms[i].shift.as_slice()),
                None => stage.own(parameters),
            };
            stage.forward(
                stage.here(i, self.rows),
                (x, y),
                ForwardArgs {
                    weight,
                    bias,
                    added,
                },
                &mut self.workspaces,
            );
            if let Some(p) = stage.dropout {
                let mask = &mut self.masks[i][..self.rows * stage.outputs];
                dropout
                    .skipped((drawn + self.first * stage.outputs) as u64)
                    .fill_dropout_mask(mask, p as f32);
                mul_assign(y, mask);
                drawn += batch * stage.outputs;
            }
        }
        let next = segment.end;
        if let Some(stage) = stages.get(next) {
            stage.arithmetic().measure(
                &self.values[next][..self.rows * stage.inputs],
                &mut self.workspaces[next].sums,
            );
        }
    }

    /// From the loss's gradients at the end of a segment back to its begin; where that is a normalization, to the sums
    /// that it needs of the whole batch.
    pub(crate) fn backward(&mut self, common: StepContext<'_, T>, segment: Range<usize>) {
        let StepContext { plan, norms, .. } = common;
        let stages = plan.stages();
        if segment.end < stages.len() {
            // Its sums are known now.
            self.pass_back(common, segment.end);
        }
        for i in segment.rev() {
            let stage = &stages[i];
            let n = self.rows * stage.outputs;
            let gradients = &mut self.gradients[i][..n];
            if stage.dropout.is_some() {
                mul_assign(gradients, &self.masks[i][..n]);
            }
            if let Some(activation) = stage.pointwise() {
                let scale = stage
                    .dropout
                    .map_or(T::ONE, |p| dropout_scale(p as f32).into());
                activation.backward(&self.values[i + 1][..n], gradients, scale);
            }
            self.workspaces[i].gradients.fill(T::ZERO);
            if stage.kernel.channels().is_some() {
                let own = &mut self.workspaces[i].gradients;
                stage
                    .arithmetic()
                    .pull(&self.values[i][..n], gradients, &norms[i], own);
            } else {
                self.pass_back(common, i);
            }
        }
    }

    /// From the gradients of what comes out of a stage to those of what goes in.
    fn pass_back(&mut self, common: StepContext<'_, T>, i: usize) {
        let stages = common.plan.stages();
        let stage = &stages[i];
        let (weight, _) = stage.own(common.parameters);
        let (earlier, own) = self.gradients.split_at_mut(i);
        let x = &self.values[i][..self.rows * stage.inputs];
        let dy = &own[0][..self.rows * stage.outputs];
        let mut dx = earlier
            .last_mut()
            .map(|dx| &mut dx[..self.rows * stage.inputs]);
        let back = BackwardArgs {
            x,
            dy,
            dx: dx.as_deref_mut(),
            weight,
            known: &common.norms[i],
        };
        stage
            .arithmetic()
            .backward(stage.here(i, self.rows), back, &mut self.workspaces);
        let Some(dx) = dx else { return };
        // What went in here was added later, too.
        for (later, adding) in stages.iter().enumerate().skip(i) {
            if adding.kernel.source() == Some(i) {
                add_to_rows(dx, &own[later - i][..self.rows * adding.outputs]);
            }
        }
    }

    /// What a normalization measured: how many values a channel had, and their sums.
    pub(crate) fn measured(&self, i: usize, values: usize) -> ShardSums<'_> {
        ShardSums {
            count: self.rows * values,
            sums: &self.workspaces[i].sums,
        }
    }

    /// The gradients of the weights and biases of a stage that sums its own.
    pub(crate) fn own_gradients(&self, i: usize) -> &[T] {
        &self.workspaces[i].gradients
    }
}

/// The gradients of the weights and biases of a stage that sums its own, over all passes of a batch.
pub(crate) fn summed_gradients<T: Number>(passes: &[Shard<T>], i: usize, gradients: &mut [T]) {
    for (nth, pass) in passes.iter().enumerate() {
        let own = pass.own_gradients(i);
        if nth == 0 {
            gradients.copy_from_slice(own);
        } else {
            add_to_rows(gradients, own);
        }
    }
}

/// The gradients of the weights of some units of a stage, over all passes of a batch, and those of their biases.
///
/// # Shapes
/// `weights` is (units, inputs), `biases` (units).
pub(crate) fn weight_gradients<T: Number>(
    passes: &[Shard<T>],
    (i, stage): (usize, &Stage),
    units: Range<usize>,
    weights: &mut [T],
    biases: &mut [T],
) {
    biases.fill(T::ZERO);
    for (nth, pass) in passes.iter().enumerate() {
        let x = Matrix::new(&pass.values[i], pass.rows, stage.inputs);
        let gradients = &pass.gradients[i][..pass.rows * stage.outputs];
        let own = Matrix::new(gradients, pass.rows, stage.outputs).narrow(units.start, units.len());
        matmul(own.transposed(), x, weights, nth > 0); // (units, rows) x (rows, in)
        add_column_sums(biases, gradients, stage.outputs, units.start);
    }
}
