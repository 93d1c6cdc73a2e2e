//! The layers of a model as the processor runs them: weights, an activation and dropout are one stage; layers that only
//! change the shape are none. What a layer is stands in `layer`; how a stage is computed in `stage`.

use crate::conv::Convolution;
use crate::correlation::{Maps, Window};
use crate::elementwise::Activation;
use crate::layer::{Layer, Step};
use crate::norm::Norm;
use crate::pool::Pool;
use crate::stage::{Given, Kind, Room, Stage};
use crate::window::{Conv, ConvTranspose};
use rayon::prelude::*;
use std::cell::RefCell;

/// Pictures pass through the stages together where no gradient is needed, so many at most, and no more than leave so many
/// values after a stage: what they leave stays in the cache.
const CHUNK: usize = 64;
const CHUNK_VALUES: usize = 1 << 18;

/// Work of fewer operations than this is done by one thread: to wake another takes longer.
pub(crate) const SMALL: usize = 2_000_000;

/// Stages in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    stages: Vec<Stage>,
    parameters: usize,
    /// Whether the next activation or dropout needs a stage of its own: what the last one gave is used elsewhere too.
    sealed: bool,
}

impl Plan {
    /// The stages of some steps, given the shape before each and after the last.
    pub(crate) fn new(steps: &[Step], shapes: &[Vec<usize>]) -> Self {
        let mut plan = Plan::default();
        let mut pools = Vec::new();
        // For each step: the stage that its input goes into.
        let mut firsts = Vec::with_capacity(steps.len());
        for (i, step) in steps.iter().enumerate() {
            plan.sealed |= steps.iter().any(|later| later.source == Some(i));
            firsts.push(plan.stages.len());
            let around = (shapes[i].as_slice(), shapes[i + 1].as_slice());
            let pool = |size, wide: &[usize]| Pool { size, width: wide[2] };
            match step.layer {
                Layer::Flatten | Layer::Unflatten(..) => {}
                Layer::Linear(_) => plan.push(Kind::Linear, around, &step.layer),
                Layer::Conv2d(conv) => plan.push(convolution(conv, around, false), around, &step.layer),
                Layer::ConvTranspose2d(ConvTranspose { conv, .. }) => {
                    plan.push(convolution(conv, around, true), around, &step.layer);
                }
                Layer::MaxPool(size) => {
                    pools.push(plan.stages.len());
                    plan.push(Kind::Pool(pool(size, around.0)), around, &step.layer);
                }
                Layer::MaxUnpool(size) => {
                    plan.push(Kind::Unpool(pool(size, around.1), pools.pop()), around, &step.layer);
                }
                Layer::AvgPool(size) => plan.push(Kind::Average(pool(size, around.0)), around, &step.layer),
                Layer::Upsample(size) => plan.push(Kind::Repeat(pool(size, around.1)), around, &step.layer),
                Layer::BatchNorm => {
                    let norm = Norm { channels: around.0[0], values: around.0[1..].iter().product() };
                    plan.push(Kind::Norm(norm), around, &step.layer);
                }
                Layer::Gelu => plan.push(Kind::Gelu, around, &step.layer),
                Layer::Residual(_) => {
                    let source = step.source.and_then(|first| firsts.get(first)).copied();
                    plan.push(Kind::Add(source.unwrap_or(plan.stages.len())), around, &step.layer);
                }
                Layer::Relu => plan.activate(Activation::Relu, around),
                Layer::LeakyRelu(slope) => plan.activate(Activation::LeakyRelu(slope as f32), around),
                Layer::Elu(alpha) => plan.activate(Activation::Elu(alpha as f32), around),
                Layer::Sigmoid => plan.activate(Activation::Sigmoid, around),
                Layer::Tanh => plan.activate(Activation::Tanh, around),
                Layer::Dropout(p) => plan.drop(p as f32, around),
            }
        }
        plan
    }

    /// Adds a stage for a layer.
    fn push(&mut self, kind: Kind, (before, after): (&[usize], &[usize]), layer: &Layer) {
        let learned = layer.parameter_shapes(before);
        let (weights, biases) = learned.map_or((0, 0), |(weight, bias)| (weight.iter().product(), bias[0]));
        let parameters = self.parameters..self.parameters + weights + biases;
        self.parameters = parameters.end;
        self.sealed = false;
        let (inputs, outputs) = (before.iter().product(), after.iter().product());
        self.stages.push(Stage { kind, activation: None, dropout: None, inputs, outputs, parameters, biases });
    }

    /// Adds an activation to the last stage. What it gave is needed for its derivative: nothing but dropout may follow it.
    fn activate(&mut self, activation: Activation, around: (&[usize], &[usize])) {
        let taken = |last: &Stage| last.activation.is_some() || last.dropout.is_some();
        if self.sealed || self.stages.last().is_none_or(taken) {
            self.push(Kind::Copy, around, &Layer::Flatten);
        }
        if let Some(last) = self.stages.last_mut() {
            last.activation = Some(activation);
        }
    }

    /// Adds dropout to the last stage; one to a stage.
    fn drop(&mut self, p: f32, around: (&[usize], &[usize])) {
        if p == 0.0 {
            return;
        }
        if self.sealed || self.stages.last().is_none_or(|last| last.dropout.is_some()) {
            self.push(Kind::Copy, around, &Layer::Flatten);
        }
        if let Some(last) = self.stages.last_mut() {
            last.dropout = Some(p);
        }
    }

    pub(crate) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// How many parameters all stages have.
    pub(crate) fn parameters(&self) -> usize {
        self.parameters
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
    pub(crate) fn rooms(&self, rows: usize, training: bool) -> Vec<Room> {
        self.stages.iter().map(|stage| stage.room(rows, training)).collect()
    }

    /// What comes out, in evaluation mode, of pictures one after the other. Chunks of them run on all threads. Each stage
    /// computes with its weight and bias; a normalization with scale and shift.
    pub(crate) fn infer(&self, weights: &[(&[f32], &[f32])], pictures: &[f32]) -> Vec<f32> {
        let Some((first, last)) = self.stages.first().zip(self.stages.last()) else { return pictures.to_vec() };
        let (inputs, outputs) = (first.inputs, last.outputs);
        let rows = pictures.len() / inputs;
        let mut out = vec![0.0; rows * outputs];
        let widest = self.stages.iter().map(|stage| stage.outputs).max().unwrap_or(1).max(1);
        let most = (CHUNK_VALUES / widest).clamp(1, CHUNK);
        let share = rows.div_ceil(rayon::current_num_threads()).clamp(1, most);
        if rows <= share || rows * self.operations() < SMALL {
            for (out, pictures) in out.chunks_mut(most * outputs).zip(pictures.chunks(most * inputs)) {
                self.infer_chunk(weights, pictures, out);
            }
        } else {
            let parts = out.par_chunks_mut(share * outputs).zip(pictures.par_chunks(share * inputs));
            parts.for_each(|(out, pictures)| self.infer_chunk(weights, pictures, out));
        }
        out
    }

    fn infer_chunk(&self, weights: &[(&[f32], &[f32])], pictures: &[f32], out: &mut [f32]) {
        thread_local! {
            static BETWEEN: RefCell<[Vec<f32>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
        }
        let rows = pictures.len() / self.stages[0].inputs;
        let mut rooms = self.rooms(rows, false);
        BETWEEN.with_borrow_mut(|[from, to]| {
            for (i, stage) in self.stages.iter().enumerate() {
                let x = if i == 0 { pictures } else { &from[..rows * stage.inputs] };
                for (later, adding) in self.stages.iter().enumerate() {
                    if matches!(adding.kind, Kind::Add(source) if source == i) {
                        rooms[later].kept.copy_from_slice(x);
                    }
                }
                let kept = std::mem::take(&mut rooms[i].kept);
                let (weight, bias) = weights.get(i).copied().unwrap_or_default();
                let given = Given { weight, bias, added: &kept };
                if i + 1 == self.stages.len() {
                    stage.forward(i, (x, out), given, rows, &mut rooms);
                } else {
                    to.resize((rows * stage.outputs).max(to.len()), 0.0);
                    stage.forward(i, (x, &mut to[..rows * stage.outputs]), given, rows, &mut rooms);
                    std::mem::swap(from, to);
                }
            }
        });
    }
}

/// A convolution of the shape before and after it.
fn convolution(conv: Conv, (before, after): (&[usize], &[usize]), transposed: bool) -> Kind {
    let maps = |shape: &[usize]| Maps { count: shape[0], height: shape[1], width: shape[2] };
    let Conv { kernel, stride, padding, dilation, groups, .. } = conv;
    let window = Window { kernel, stride, padding, dilation };
    Kind::Convolution(Box::new(Convolution::new(maps(before), maps(after), window, groups, transposed)))
}
