//! The layers of a model as the processor runs them: weights, an activation and dropout are one stage; layers that only
//! change the shape are none. How a stage is computed stands in the file of its layer.

use crate::layer::{
    Activation, Arithmetic, BackwardArgs, CpuOp, ForwardArgs, LayerShapes, LowerContext, Lowered,
    Node, Number, OpShape, Workspace,
};
use crate::math::Real;
use crate::plan::stage::Stage;
use rayon::prelude::*;
use std::sync::Arc;

/// Pictures pass through the stages together where no gradient is needed, so many at most, and no more than leave so many
/// values after a stage: what they leave stays in a cache, if only the last; fewer would read dense weights too often.
const CHUNK: usize = 64;
const CHUNK_VALUES: usize = 1 << 20;

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
    pub(crate) fn new(nodes: &[Node], shapes: &[Vec<usize>]) -> Self {
        let mut plan = Plan::default();
        let mut links = LowerContext::default();
        // For each step: the stage that its input goes into.
        let mut firsts = Vec::with_capacity(nodes.len());
        for (i, node) in nodes.iter().enumerate() {
            plan.sealed |= nodes.iter().any(|later| later.source == Some(i));
            firsts.push(plan.stages.len());
            let shapes = LayerShapes {
                before: &shapes[i],
                after: &shapes[i + 1],
            };
            links.next = plan.stages.len();
            links.source = node.source.and_then(|first| firsts.get(first)).copied();
            let operation = node.layer.kind();
            match operation.lower(shapes, &mut links) {
                Lowered::Nothing => {}
                Lowered::Activation(activation) => plan.activate(activation, shapes),
                Lowered::Dropout(p) => plan.drop(p, shapes),
                Lowered::CpuOp(kernel) => {
                    plan.push(kernel, shapes, operation.parameter_shapes(shapes.before))
                }
            }
        }
        plan
    }

    /// Adds a stage.
    fn push(
        &mut self,
        kernel: Arc<dyn CpuOp>,
        shapes: LayerShapes<'_>,
        learned: Option<(Vec<usize>, Vec<usize>)>,
    ) {
        let (weights, biases) =
            learned.map_or((0, 0), |(weight, bias)| (weight.iter().product(), bias[0]));
        let parameters = self.parameters..self.parameters + weights + biases;
        self.parameters = parameters.end;
        self.sealed = false;
        let (inputs, outputs) = (
            shapes.before.iter().product(),
            shapes.after.iter().product(),
        );
        self.stages.push(Stage {
            kernel,
            activation: None,
            dropout: None,
            inputs,
            outputs,
            parameters,
            biases,
        });
    }

    /// Adds an activation to the last stage. What it gave is needed for its derivative: nothing but dropout may follow it.
    fn activate(&mut self, activation: Arc<dyn Activation>, shapes: LayerShapes<'_>) {
        let taken = |last: &Stage| last.activation.is_some() || last.dropout.is_some();
        if self.sealed || self.stages.last().is_none_or(taken) {
            self.push(Arc::new(Same), shapes, None);
        }
        if let Some(last) = self.stages.last_mut() {
            last.activation = Some(activation);
        }
    }

    /// Adds dropout to the last stage; one to a stage.
    fn drop(&mut self, p: f64, shapes: LayerShapes<'_>) {
        if self.sealed || self.stages.last().is_none_or(|last| last.dropout.is_some()) {
            self.push(Arc::new(Same), shapes, None);
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
        let of = |stage: &Stage| {
            stage
                .kernel
                .operations()
                .unwrap_or(2 * stage.parameters.len())
        };
        self.stages.iter().map(of).sum()
    }

    /// Memory for so many pictures on their way through all stages.
    pub(crate) fn workspaces<T: Number>(&self, rows: usize, training: bool) -> Vec<Workspace<T>> {
        let room = |(i, stage): (usize, &Stage)| {
            let summed = if training && !stage.kernel.dense() {
                stage.parameters.len()
            } else {
                0
            };
            Workspace {
                gradients: vec![T::ZERO; summed],
                ..stage.arithmetic().workspace(stage.here(i, rows), training)
            }
        };
        self.stages.iter().enumerate().map(room).collect()
    }

    /// What comes out, in evaluation mode, of pictures one after the other, on all threads. Each stage computes with its
    /// weight and bias; a normalization with scale and shift.
    pub(crate) fn infer<T: Number>(&self, weights: &[(&[T], &[T])], pictures: &[T]) -> Vec<T> {
        let Some((first, last)) = self.stages.first().zip(self.stages.last()) else {
            return pictures.to_vec();
        };
        let (inputs, outputs) = (first.inputs, last.outputs);
        let rows = pictures.len() / inputs;
        let mut out = vec![T::ZERO; rows * outputs];
        if rows * self.operations() < SMALL {
            self.infer_part(weights, (pictures, inputs), (&mut out, outputs));
        } else {
            let share = rows.div_ceil(rayon::current_num_threads()).max(1);
            let parts = out
                .par_chunks_mut(share * outputs)
                .zip(pictures.par_chunks(share * inputs));
            parts.for_each(|(out, pictures)| {
                self.infer_part(weights, (pictures, inputs), (out, outputs))
            });
        }
        out
    }

    /// The part of one thread, a chunk after the other; pictures have so many values before and after.
    fn infer_part<T: Number>(
        &self,
        weights: &[(&[T], &[T])],
        (pictures, inputs): (&[T], usize),
        (out, outputs): (&mut [T], usize),
    ) {
        let most = |stages: &[Stage]| stages.iter().map(|stage| stage.outputs).max().unwrap_or(0);
        let chunk = (CHUNK_VALUES / most(&self.stages).max(1))
            .clamp(1, CHUNK)
            .min((pictures.len() / inputs).max(1));
        let mut workspaces = self.workspaces(chunk, false);
        // What the last stage gives has its place.
        let between = chunk * most(&self.stages[..self.stages.len() - 1]);
        let [mut from, mut to] = [(); 2].map(|()| vec![T::ZERO; between]);
        for (pictures, out) in pictures
            .chunks(chunk * inputs)
            .zip(out.chunks_mut(chunk * outputs))
        {
            let rows = pictures.len() / inputs;
            for (i, stage) in self.stages.iter().enumerate() {
                let x = if i == 0 {
                    pictures
                } else {
                    &from[..rows * stage.inputs]
                };
                for (later, adding) in self.stages.iter().enumerate() {
                    if adding.kernel.source() == Some(i) {
                        workspaces[later].kept[..x.len()].copy_from_slice(x);
                    }
                }
                let kept = std::mem::take(&mut workspaces[i].kept);
                let (weight, bias) = weights.get(i).copied().unwrap_or_default();
                let added = if kept.is_empty() {
                    &[]
                } else {
                    &kept[..rows * stage.outputs]
                };
                let y = if i + 1 == self.stages.len() {
                    &mut *out
                } else {
                    &mut to[..rows * stage.outputs]
                };
                stage.forward(
                    stage.here(i, rows),
                    (x, y),
                    ForwardArgs {
                        weight,
                        bias,
                        added,
                    },
                    &mut workspaces,
                );
                workspaces[i].kept = kept;
                std::mem::swap(&mut from, &mut to);
            }
        }
    }
}

/// y = x, where an activation or dropout has no kernel before it.
#[derive(Debug)]
struct Same;

impl CpuOp for Same {}

impl<T: Real> Arithmetic<T> for Same {
    fn forward(
        &self,
        _here: OpShape,
        x: &[T],
        y: &mut [T],
        _given: ForwardArgs<'_, T>,
        _rooms: &mut [Workspace<T>],
    ) {
        y.copy_from_slice(x);
    }

    fn backward(&self, _here: OpShape, back: BackwardArgs<'_, T>, _rooms: &mut [Workspace<T>]) {
        if let BackwardArgs {
            dy, dx: Some(dx), ..
        } = back
        {
            dx.copy_from_slice(dy);
        }
    }
}
