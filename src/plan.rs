//! The layers of a model as the processor runs them: weights, an activation and dropout are one stage; layers that only
//! change the shape are none. What a layer is stands in `layer`; here is how it is computed, forward and backward.

use crate::elementwise::{Activation, add_rows, multiply_each, sum_rows};
use crate::layer::Layer;
use crate::loss::Loss;
use crate::matmul::{Matrix, multiply};
use crate::rng::Rng;
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// Pictures that pass through the stages together where no gradient is needed: what they leave stays in the cache.
const CHUNK: usize = 64;

/// Stages in order.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    stages: Vec<Stage>,
}

/// One step of the computation, of one picture's `inputs` values to its `outputs`.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    kind: Kind,
    activation: Option<Activation>,
    /// The probability to drop a value, in training.
    dropout: Option<f32>,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Where its weights, then its biases, stand among all parameters.
    pub(crate) parameters: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// y = x Wᵀ + b
    Linear,
    /// y = x, for what comes before any weights.
    Copy,
}

/// The numbers that the stages compute with: all in one row, or weights and biases as they are in a model.
#[derive(Clone, Copy)]
pub(crate) enum Weights<'a> {
    Packed(&'a [f32]),
    Apart(&'a [(&'a [f32], &'a [f32])]),
}

impl Plan {
    /// The stages of a list of layers, given the shape before each and after the last; none where a layer is not known here.
    pub(crate) fn new(layers: &[Layer], shapes: &[Vec<usize>]) -> Option<Self> {
        let mut stages: Vec<Stage> = Vec::new();
        let mut parameters = 0;
        for (i, layer) in layers.iter().enumerate() {
            let (inputs, outputs) = (shapes[i].iter().product(), shapes[i + 1].iter().product());
            let stage = |kind| Stage { kind, activation: None, dropout: None, inputs, outputs, parameters: 0..0 };
            let activation = match *layer {
                Layer::Flatten | Layer::Unflatten(..) => continue,
                Layer::Linear(_) => {
                    let all = parameters..parameters + inputs * outputs + outputs;
                    parameters = all.end;
                    stages.push(Stage { parameters: all, ..stage(Kind::Linear) });
                    continue;
                }
                Layer::Dropout(p) => {
                    if p > 0.0 {
                        // One dropout to a stage.
                        if stages.last().is_none_or(|last| last.dropout.is_some()) {
                            stages.push(stage(Kind::Copy));
                        }
                        stages.last_mut()?.dropout = Some(p as f32);
                    }
                    continue;
                }
                Layer::Relu => Activation::Relu,
                Layer::Sigmoid => Activation::Sigmoid,
                Layer::Tanh => Activation::Tanh,
            };
            // What an activation gave is needed for its derivative: nothing but dropout may follow it in its stage.
            if stages.last().is_none_or(|last| last.activation.is_some() || last.dropout.is_some()) {
                stages.push(stage(Kind::Copy));
            }
            stages.last_mut()?.activation = Some(activation);
        }
        Some(Plan { stages })
    }

    pub(crate) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// How many parameters all stages have.
    pub(crate) fn parameters(&self) -> usize {
        self.stages.iter().map(|stage| stage.parameters.len()).sum()
    }

    /// Multiplications and additions for one picture, forward.
    pub(crate) fn operations(&self) -> usize {
        2 * self.parameters()
    }

    /// What comes out, in evaluation mode, of pictures one after the other. Chunks of them run on all threads.
    pub(crate) fn infer(&self, weights: Weights<'_>, pictures: &[f32]) -> Vec<f32> {
        thread_local! {
            static BETWEEN: RefCell<[Vec<f32>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
        }
        let Some((first, last)) = self.stages.first().zip(self.stages.last()) else { return pictures.to_vec() };
        let (inputs, outputs) = (first.inputs, last.outputs);
        let rows = pictures.len() / inputs;
        let mut out = vec![0.0; rows * outputs];
        let chunk = |out: &mut [f32], pictures: &[f32]| {
            let rows = pictures.len() / inputs;
            BETWEEN.with_borrow_mut(|[from, to]| {
                for (i, stage) in self.stages.iter().enumerate() {
                    let x = if i == 0 { pictures } else { &from[..rows * stage.inputs] };
                    if i + 1 == self.stages.len() {
                        stage.forward(x, out, weights.of(i, stage), rows);
                    } else {
                        to.resize((rows * stage.outputs).max(to.len()), 0.0);
                        stage.forward(x, &mut to[..rows * stage.outputs], weights.of(i, stage), rows);
                        std::mem::swap(from, to);
                    }
                }
            });
        };
        let share = rows.div_ceil(rayon::current_num_threads()).clamp(1, CHUNK);
        if rows <= share || rows * self.operations() < SMALL {
            for (out, pictures) in out.chunks_mut(CHUNK * outputs).zip(pictures.chunks(CHUNK * inputs)) {
                chunk(out, pictures);
            }
        } else {
            let parts = out.par_chunks_mut(share * outputs).zip(pictures.par_chunks(share * inputs));
            parts.for_each(|(out, pictures)| chunk(out, pictures));
        }
        out
    }
}

/// Work of fewer operations than this is done by one thread: to wake another takes longer.
pub(crate) const SMALL: usize = 2_000_000;

impl<'a> Weights<'a> {
    /// Weights and biases of a stage, which is the `i`th of its plan.
    fn of(self, i: usize, stage: &Stage) -> (&'a [f32], &'a [f32]) {
        match self {
            Weights::Packed(all) => {
                let own = &all[stage.parameters.clone()];
                own.split_at(own.len().saturating_sub(stage.outputs))
            }
            Weights::Apart(all) => all.get(i).copied().unwrap_or((&[], &[])),
        }
    }
}

impl Stage {
    /// Whether it has weights.
    pub(crate) fn learns(&self) -> bool {
        self.kind == Kind::Linear
    }

    /// How many numbers its dropout draws for one picture.
    pub(crate) fn dropped(&self) -> usize {
        if self.dropout.is_some() { self.outputs } else { 0 }
    }

    /// In evaluation mode: without dropout.
    ///
    /// # Shapes
    /// (rows, inputs) -> (rows, outputs)
    fn forward(&self, x: &[f32], y: &mut [f32], (weight, bias): (&[f32], &[f32]), rows: usize) {
        match self.kind {
            Kind::Copy => y.copy_from_slice(x),
            Kind::Linear => {
                let weight = Matrix::new(weight, self.outputs, self.inputs);
                multiply(Matrix::new(x, rows, self.inputs), weight.transposed(), y, false); // (rows, in) x (in, out)
                add_rows(y, bias);
            }
        }
        if let Some(activation) = self.activation {
            activation.forward(y);
        }
    }
}

/// What some pictures of a batch need on their way through all stages in training, and back.
#[derive(Debug)]
pub(crate) struct Pass {
    /// How many pictures it holds now.
    rows: usize,
    /// What goes into the first stage, and what comes out of each.
    values: Vec<Vec<f32>>,
    /// The loss's gradients by what comes out of each stage before its activation; those by the input are not needed.
    gradients: Vec<Vec<f32>>,
    /// What dropout multiplies by, for each stage that drops.
    masks: Vec<Vec<f32>>,
}

impl Pass {
    /// Room for so many pictures.
    pub(crate) fn new(plan: &Plan, rows: usize) -> Self {
        let outputs = || plan.stages.iter().map(|stage| vec![0.0; rows * stage.outputs]);
        let first = plan.stages.first().map_or(0, |stage| rows * stage.inputs);
        let mask = |stage: &Stage| vec![0.0; if stage.dropout.is_some() { rows * stage.outputs } else { 0 }];
        Pass {
            rows: 0,
            values: std::iter::once(vec![0.0; first]).chain(outputs()).collect(),
            gradients: outputs().collect(),
            masks: plan.stages.iter().map(mask).collect(),
        }
    }

    /// The place for the pictures that go in.
    pub(crate) fn input(&mut self, plan: &Plan, rows: usize) -> &mut [f32] {
        self.rows = rows;
        &mut self.values[0][..rows * plan.stages[0].inputs]
    }

    /// The sum of the losses of all values, with the gradients of their mean over a batch. The target is what went in where
    /// no other is given.
    pub(crate) fn lose(&mut self, plan: &Plan, loss: Loss, target: Option<&[f32]>, batch: usize) -> f64 {
        let last = plan.stages.len() - 1;
        let outputs = plan.stages[last].outputs;
        let n = self.rows * outputs;
        let target = target.unwrap_or(&self.values[0]);
        loss.sum_and_gradients(
            &self.values[last + 1][..n],
            &target[..n],
            &mut self.gradients[last][..n],
            batch * outputs,
        )
    }

    /// Runs all stages as in training. These pictures start at row `first` of a batch of `batch`; `dropout` stands where
    /// the batch's first draw is, and draws stage by stage, as one pass over the whole batch would.
    pub(crate) fn forward(&mut self, plan: &Plan, parameters: &[f32], dropout: &Rng, first: usize, batch: usize) {
        let mut drawn = 0;
        for (i, stage) in plan.stages.iter().enumerate() {
            let (before, after) = self.values.split_at_mut(i + 1);
            let x = &before[i][..self.rows * stage.inputs];
            let y = &mut after[0][..self.rows * stage.outputs];
            stage.forward(x, y, Weights::Packed(parameters).of(i, stage), self.rows);
            if let Some(p) = stage.dropout {
                let mask = &mut self.masks[i][..self.rows * stage.outputs];
                dropout.skipped((drawn + first * stage.outputs) as u64).fill_dropout_mask(mask, p);
                multiply_each(y, mask);
                drawn += batch * stage.outputs;
            }
        }
    }

    /// From the loss's gradients at the end back to those of each stage.
    pub(crate) fn backward(&mut self, plan: &Plan, parameters: &[f32]) {
        for (i, stage) in plan.stages.iter().enumerate().rev() {
            let n = self.rows * stage.outputs;
            let (earlier, own) = self.gradients.split_at_mut(i);
            let gradients = &mut own[0][..n];
            if stage.dropout.is_some() {
                multiply_each(gradients, &self.masks[i][..n]);
            }
            if let Some(activation) = stage.activation {
                let scale = stage.dropout.map_or(1.0, |p| 1.0 / (1.0 - p));
                activation.backward(&self.values[i + 1][..n], gradients, scale);
            }
            let Some(dx) = earlier.last_mut() else { break };
            let dx = &mut dx[..self.rows * stage.inputs];
            match stage.kind {
                Kind::Copy => dx.copy_from_slice(gradients),
                Kind::Linear => {
                    let (weight, _) = Weights::Packed(parameters).of(i, stage);
                    let weight = Matrix::new(weight, stage.outputs, stage.inputs);
                    multiply(Matrix::new(gradients, self.rows, stage.outputs), weight, dx, false); // (rows, out) x (out, in)
                }
            }
        }
    }
}

/// The gradients of the weights of some units of a stage, over all passes of a batch, and those of their biases.
///
/// # Shapes
/// `weights` is (units, inputs), `biases` (units).
pub(crate) fn weight_gradients(
    passes: &[Pass],
    (i, stage): (usize, &Stage),
    units: Range<usize>,
    weights: &mut [f32],
    biases: &mut [f32],
) {
    biases.fill(0.0);
    for (nth, pass) in passes.iter().enumerate() {
        let x = Matrix::new(&pass.values[i], pass.rows, stage.inputs);
        let gradients = &pass.gradients[i][..pass.rows * stage.outputs];
        let own = Matrix::new(gradients, pass.rows, stage.outputs).narrow(units.start, units.len());
        multiply(own.transposed(), x, weights, nth > 0); // (units, rows) x (rows, in)
        sum_rows(biases, gradients, stage.outputs, units.start);
    }
}
