//! The layers of a model as the processor runs them: weights, an activation and dropout are one stage; layers that only
//! change the shape are none. What a layer is stands in `layer`; here is how it is computed, forward and backward.

use crate::conv::{Convolution, Workspace};
use crate::correlation::{Maps, Window};
use crate::elementwise::{Activation, add_rows, multiply_each, sum_rows};
use crate::layer::{Conv, ConvTranspose, Layer};
use crate::loss::Loss;
use crate::matmul::{Matrix, multiply};
use crate::pool::Pool;
use crate::rng::Rng;
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// Pictures pass through the stages together where no gradient is needed, so many at most, and no more than leave so many
/// values after a stage: what they leave stays in the cache.
const CHUNK: usize = 64;
const CHUNK_VALUES: usize = 1 << 18;

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
    biases: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    /// y = x Wᵀ + b
    Linear,
    /// y = x, for what comes before any weights.
    Copy,
    Convolution(Box<Convolution>),
    Pool(Pool),
    /// With the stage whose maxima it puts back, if there is one.
    Unpool(Pool, Option<usize>),
}

/// Memory that a stage keeps from its forward to its backward run.
#[derive(Debug, Default)]
struct Room {
    convolution: Workspace,
    /// Where the maxima were.
    places: Vec<u16>,
    /// The gradients of a convolution's weights and biases, summed over the pictures of a pass.
    gradients: Vec<f32>,
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
        let mut pools = Vec::new();
        let mut parameters = 0;
        for (i, layer) in layers.iter().enumerate() {
            let (inputs, outputs) = (shapes[i].iter().product(), shapes[i + 1].iter().product());
            let stage =
                |kind| Stage { kind, activation: None, dropout: None, inputs, outputs, parameters: 0..0, biases: 0 };
            let activation = match *layer {
                Layer::Flatten | Layer::Unflatten(..) => continue,
                Layer::Linear(_) | Layer::Conv2d(_) | Layer::ConvTranspose2d(_) => {
                    let (weight, bias) = layer.parameter_shapes(&shapes[i])?;
                    let all = parameters..parameters + weight.iter().product::<usize>() + bias[0];
                    parameters = all.end;
                    let kind = match *layer {
                        Layer::Conv2d(conv) => convolution(conv, &shapes[i..], false),
                        Layer::ConvTranspose2d(ConvTranspose { conv, .. }) => convolution(conv, &shapes[i..], true),
                        _ => Kind::Linear,
                    };
                    stages.push(Stage { parameters: all, biases: bias[0], ..stage(kind) });
                    continue;
                }
                Layer::MaxPool(size) => {
                    pools.push(stages.len());
                    stages.push(stage(Kind::Pool(Pool { size, width: shapes[i][2] })));
                    continue;
                }
                Layer::MaxUnpool(size) => {
                    let pool = Pool { size, width: shapes[i + 1][2] };
                    stages.push(stage(Kind::Unpool(pool, pools.pop())));
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
        let of = |stage: &Stage| match &stage.kind {
            Kind::Convolution(convolution) => convolution.operations(),
            _ => 2 * stage.parameters.len(),
        };
        self.stages.iter().map(of).sum()
    }

    /// Memory for so many pictures on their way through all stages.
    fn rooms(&self, rows: usize, training: bool) -> Vec<Room> {
        let room = |stage: &Stage| match &stage.kind {
            Kind::Convolution(convolution) => Room {
                convolution: convolution.workspace(training),
                gradients: vec![0.0; if training { stage.parameters.len() } else { 0 }],
                ..Room::default()
            },
            Kind::Pool(_) => Room { places: vec![0; rows * stage.outputs], ..Room::default() },
            // Without a pooling, values go to the upper left.
            Kind::Unpool(_, None) => Room { places: vec![0; rows * stage.inputs], ..Room::default() },
            _ => Room::default(),
        };
        self.stages.iter().map(room).collect()
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
            let mut rooms = self.rooms(rows, false);
            BETWEEN.with_borrow_mut(|[from, to]| {
                for (i, stage) in self.stages.iter().enumerate() {
                    let x = if i == 0 { pictures } else { &from[..rows * stage.inputs] };
                    if i + 1 == self.stages.len() {
                        stage.forward(i, (x, out), weights.of(i, stage), rows, &mut rooms);
                    } else {
                        to.resize((rows * stage.outputs).max(to.len()), 0.0);
                        let y = &mut to[..rows * stage.outputs];
                        stage.forward(i, (x, y), weights.of(i, stage), rows, &mut rooms);
                        std::mem::swap(from, to);
                    }
                }
            });
        };
        let widest = self.stages.iter().map(|stage| stage.outputs).max().unwrap_or(1).max(1);
        let most = (CHUNK_VALUES / widest).clamp(1, CHUNK);
        let share = rows.div_ceil(rayon::current_num_threads()).clamp(1, most);
        if rows <= share || rows * self.operations() < SMALL {
            for (out, pictures) in out.chunks_mut(most * outputs).zip(pictures.chunks(most * inputs)) {
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
                own.split_at(own.len() - stage.biases)
            }
            Weights::Apart(all) => all.get(i).copied().unwrap_or((&[], &[])),
        }
    }
}

impl Stage {
    /// Whether it has weights.
    pub(crate) fn learns(&self) -> bool {
        !self.parameters.is_empty()
    }

    /// Whether its weights' gradients are computed for all pictures of a batch at once, some units at a time; else each
    /// pass has summed its own.
    pub(crate) fn dense(&self) -> bool {
        matches!(self.kind, Kind::Linear)
    }

    /// How many numbers its dropout draws for one picture.
    pub(crate) fn dropped(&self) -> usize {
        if self.dropout.is_some() { self.outputs } else { 0 }
    }

    /// In evaluation mode: without dropout.
    ///
    /// # Shapes
    /// (rows, inputs) -> (rows, outputs)
    fn forward(
        &self,
        i: usize,
        (x, y): (&[f32], &mut [f32]),
        (weight, bias): (&[f32], &[f32]),
        rows: usize,
        rooms: &mut [Room],
    ) {
        match &self.kind {
            Kind::Copy => y.copy_from_slice(x),
            Kind::Linear => {
                let weight = Matrix::new(weight, self.outputs, self.inputs);
                multiply(Matrix::new(x, rows, self.inputs), weight.transposed(), y, false); // (rows, in) x (in, out)
                add_rows(y, bias);
            }
            Kind::Convolution(convolution) => convolution.forward(x, y, (weight, bias), &mut rooms[i].convolution),
            Kind::Pool(pool) => pool.forward(x, y, &mut rooms[i].places[..rows * self.outputs]),
            Kind::Unpool(pool, paired) => pool.spread(x, &rooms[paired.unwrap_or(i)].places[..rows * self.inputs], y),
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
    rooms: Vec<Room>,
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
            rooms: plan.rooms(rows, true),
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
            stage.forward(i, (x, y), Weights::Packed(parameters).of(i, stage), self.rows, &mut self.rooms);
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
            let dx = earlier.last_mut().map(|dx| &mut dx[..self.rows * stage.inputs]);
            let (weight, _) = Weights::Packed(parameters).of(i, stage);
            match (&stage.kind, dx) {
                (Kind::Convolution(convolution), dx) => {
                    let Room { convolution: workspace, gradients: own, .. } = &mut self.rooms[i];
                    own.fill(0.0);
                    let x = &self.values[i][..self.rows * stage.inputs];
                    convolution.backward(x, gradients, dx, weight, own, workspace);
                }
                (_, None) => {}
                (Kind::Copy, Some(dx)) => dx.copy_from_slice(gradients),
                (Kind::Linear, Some(dx)) => {
                    let weight = Matrix::new(weight, stage.outputs, stage.inputs);
                    multiply(Matrix::new(gradients, self.rows, stage.outputs), weight, dx, false); // (rows, out) x (out, in)
                }
                (Kind::Pool(pool), Some(dx)) => pool.spread(gradients, &self.rooms[i].places[..n], dx),
                (Kind::Unpool(pool, paired), Some(dx)) => {
                    let places = &self.rooms[paired.unwrap_or(i)].places[..self.rows * stage.inputs];
                    pool.collect(gradients, places, dx);
                }
            }
        }
    }
}

/// The gradients of the weights and biases of a convolution, over all passes of a batch.
pub(crate) fn summed_gradients(passes: &[Pass], i: usize, gradients: &mut [f32]) {
    for (nth, pass) in passes.iter().enumerate() {
        let own = &pass.rooms[i].gradients;
        if nth == 0 {
            gradients.copy_from_slice(own);
        } else {
            add_rows(gradients, own);
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

/// A convolution of the shape before and after it.
fn convolution(conv: Conv, shapes: &[Vec<usize>], transposed: bool) -> Kind {
    let maps = |shape: &[usize]| Maps { count: shape[0], height: shape[1], width: shape[2] };
    let Conv { kernel, stride, padding, dilation, groups, .. } = conv;
    let window = Window { kernel, stride, padding, dilation };
    Kind::Convolution(Box::new(Convolution::new(maps(&shapes[0]), maps(&shapes[1]), window, groups, transposed)))
}
