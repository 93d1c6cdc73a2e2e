//! Traits of the hand-written CPU ops: a forward and a backward pass on slices, without autograd.
//!
//! Each kind of layer has its op in its own file. `plan` runs them in sequence.

use crate::dist::Summand;
use crate::layer::term::Term;
use crate::math::{BatchStats, ChannelShape, Real, Rng};
use std::fmt::Debug;

/// Floating-point types for which every op is implemented.
pub(crate) trait Number: Real + Summand {
    fn arithmetic(op: &dyn CpuOp) -> &dyn Arithmetic<Self>;
    fn pointwise(activation: &dyn Activation) -> &dyn Pointwise<Self>;
}

impl Number for f32 {
    fn arithmetic(op: &dyn CpuOp) -> &dyn Arithmetic<Self> {
        op
    }

    fn pointwise(activation: &dyn Activation) -> &dyn Pointwise<Self> {
        activation
    }
}

impl Number for f64 {
    fn arithmetic(op: &dyn CpuOp) -> &dyn Arithmetic<Self> {
        op
    }

    fn pointwise(activation: &dyn Activation) -> &dyn Pointwise<Self> {
        activation
    }
}

/// A CPU op: its properties, and its arithmetic in `f32` and `f64`.
pub(crate) trait CpuOp: Arithmetic<f32> + Arithmetic<f64> + Debug + Send + Sync {
    /// Floating-point operations of one image's forward pass, if not two per weight.
    fn flops(&self) -> Option<usize> {
        None
    }

    /// Returns true for a matrix product with weights (outputs, inputs). The optimizer computes
    /// its weight gradients over the whole batch, some units at a time. Other ops add up their
    /// own.
    fn dense(&self) -> bool {
        false
    }

    /// Returns true if an image's output follows from its input, weight and bias alone: no random
    /// numbers, no other image, no other stage but an unpooling's pooling, and nothing added to the loss.
    fn stands_alone(&self) -> bool {
        false
    }

    /// Returns true if the backward pass reads what the forward pass left in the workspace.
    fn keeps_workspace(&self) -> bool {
        true
    }

    /// Channels whose batch mean and variance the op needs before it runs.
    fn channels(&self) -> Option<ChannelShape> {
        None
    }

    /// Stage whose input is added to this op's input.
    fn skip_source(&self) -> Option<usize> {
        None
    }

    /// Random numbers that the op draws for an image in training, in calls of [`Rng::unit`].
    fn rng_calls(&self) -> usize {
        0
    }

    /// Term that the op adds to the loss.
    fn term(&self) -> Option<Term> {
        None
    }

    /// Returns true if the op restores a constraint of its weights ([`Arithmetic::constrain`]).
    fn constrains(&self) -> bool {
        false
    }

    /// Stage whose second code the op also multiplies with its weights.
    fn second_code(&self) -> Option<usize> {
        None
    }
}

/// Forward and backward pass of an op for one number type. Images are stored one after another.
pub(crate) trait Arithmetic<T: Real> {
    /// Allocates buffers for `shape.rows` images, except the parameter gradients.
    fn workspace(&self, _shape: OpShape, _training: bool) -> Workspace<T> {
        Workspace::default()
    }

    /// Computes `y` from `x`.
    ///
    /// # Shapes
    /// `x` is (rows, inputs), `y` is (rows, outputs).
    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    );

    /// Computes `dx` from `dy`, if `dx` is wanted. Ops that are not dense also add the gradients
    /// of their parameters to [`Workspace::gradients`].
    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]);

    /// Restores a constraint of the weights, (outputs, inputs), after a step of the optimizer.
    fn constrain(&self, _inputs: usize, _weights: &mut [T]) {}

    /// Measures sums and squared deviations of the [`CpuOp::channels`] over a shard.
    fn measure(&self, _x: &[T], _sums: &mut [f64]) {}

    /// Adds up a shard's gradients of weight, then bias, for an op with [`CpuOp::channels`].
    /// The sums over all shards are needed before [`Arithmetic::backward`] runs.
    fn grad_sums(&self, _x: &[T], _dy: &[T], _stats: &BatchStats<T>, _gradients: &mut [T]) {}
}

/// An element-wise activation whose derivative is a function of its output. It is fused into the
/// stage before it.
pub(crate) trait Activation: Pointwise<f32> + Pointwise<f64> + Debug + Send + Sync {}

/// Forward and backward pass of an activation for one number type.
pub(crate) trait Pointwise<T: Real> {
    /// Applies the activation in place.
    fn forward(&self, values: &mut [T]);

    /// Multiplies each gradient by the derivative at `outputs`, which dropout may have multiplied
    /// by `scale`.
    fn backward(&self, outputs: &[T], gradients: &mut [T], scale: T);
}

/// Stage and batch shape that an op runs with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpShape {
    /// Index of the op's stage, and of its workspace.
    pub(crate) stage: usize,
    /// Images in the micro-batch.
    pub(crate) rows: usize,
    /// Input values per image.
    pub(crate) inputs: usize,
    /// Output values per image.
    pub(crate) outputs: usize,
}

/// Parameters of an op's forward pass.
#[derive(Clone, Copy)]
pub(crate) struct ForwardArgs<'a, T> {
    /// Weight; the scale of a batch normalization.
    pub(crate) weight: &'a [T],
    /// Bias; the shift of a batch normalization.
    pub(crate) bias: &'a [T],
    /// Input of the stage that is the op's [`CpuOp::skip_source`].
    pub(crate) skip_input: &'a [T],
    /// `None` in evaluation.
    pub(crate) training: Option<&'a OpTraining>,
}

/// Random numbers and step of an op in training.
#[derive(Debug)]
pub(crate) struct OpTraining {
    /// At the first of the op's [`CpuOp::rng_calls`] for the first image of the micro-batch.
    pub(crate) rng: Rng,
    /// Steps of the optimizer so far.
    pub(crate) step: usize,
}

/// Parameters of an op's backward pass.
pub(crate) struct BackwardArgs<'a, T> {
    /// Input of the forward pass.
    pub(crate) x: &'a [T],
    /// dL/dy
    pub(crate) dy: &'a [T],
    /// Receives dL/dx; `None` for the first stage.
    pub(crate) dx: Option<&'a mut [T]>,
    pub(crate) weight: &'a [T],
    /// Batch statistics of the [`CpuOp::channels`].
    pub(crate) stats: &'a BatchStats<T>,
    /// Factor of the gradient of an image's [`CpuOp::term`], which makes it that of the loss.
    pub(crate) term_scale: T,
    /// Steps of the optimizer so far.
    pub(crate) step: usize,
}

/// Buffers of an op, allocated once and reused in every step.
#[derive(Debug, Default)]
pub(crate) struct Workspace<T> {
    /// Private to the op.
    pub(crate) scratch: [Vec<T>; 4],
    /// Positions of a max-pooling's maxima in their windows.
    pub(crate) argmax: Vec<u16>,
    /// Indices that a selection kept.
    pub(crate) indices: Vec<u32>,
    /// Indices of an image, in the order of a selection.
    pub(crate) order: Vec<u32>,
    /// Gradients of weight, then bias; zeroed before each batch.
    pub(crate) gradients: Vec<T>,
    /// Sums, then squared deviations, of each channel.
    pub(crate) channel_sums: Vec<f64>,
    /// Copy of the skip input, in inference.
    pub(crate) skip_input: Vec<T>,
    /// The code of dead units that the op leaves for a later op; empty without dead units.
    pub(crate) second_code: Vec<T>,
    /// Gradients of the output for the second code, or of the second code itself.
    pub(crate) second_gradient: Vec<T>,
    /// The op's [`CpuOp::term`], summed over the images of the last forward pass.
    pub(crate) term: f64,
}

impl<T: Real> Workspace<T> {
    /// Scratch buffers of these lengths, filled with zeros.
    pub(crate) fn with_scratch<const N: usize>(lengths: [usize; N]) -> Self {
        let mut workspace = Workspace::default();
        for (buffer, n) in workspace.scratch.iter_mut().zip(lengths) {
            *buffer = vec![T::ZERO; n];
        }
        workspace
    }

    /// This buffer as the only scratch buffer.
    pub(crate) fn with_buffer(buffer: Vec<T>) -> Self {
        let mut workspace = Workspace::default();
        workspace.scratch[0] = buffer;
        workspace
    }
}
