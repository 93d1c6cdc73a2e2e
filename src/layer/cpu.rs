//! What the processor computes for a layer: forward, and backward by hand. Each kind of layer has its kernel in its own
//! file; `plan` puts them in a row.

use crate::math::{BatchStats, ChannelShape, Real};
use std::fmt::Debug;

/// Numbers that every kernel computes with.
pub(crate) trait Number: Real {
    fn arithmetic(kernel: &dyn CpuOp) -> &dyn Arithmetic<Self>;
    fn pointwise(activation: &dyn Activation) -> &dyn Pointwise<Self>;
}

impl Number for f32 {
    fn arithmetic(kernel: &dyn CpuOp) -> &dyn Arithmetic<Self> {
        kernel
    }

    fn pointwise(activation: &dyn Activation) -> &dyn Pointwise<Self> {
        activation
    }
}

impl Number for f64 {
    fn arithmetic(kernel: &dyn CpuOp) -> &dyn Arithmetic<Self> {
        kernel
    }

    fn pointwise(activation: &dyn Activation) -> &dyn Pointwise<Self> {
        activation
    }
}

/// What there is to know of a kernel besides its arithmetic.
pub(crate) trait CpuOp: Arithmetic<f32> + Arithmetic<f64> + Debug + Send + Sync {
    /// Multiplications and additions for one picture, forward, where they are not two for each weight.
    fn operations(&self) -> Option<usize> {
        None
    }

    /// Whether it is a matrix product with weights (outputs, inputs): their gradients are computed for all pictures of a
    /// batch at once, some units at a time. Other kernels sum their own.
    fn dense(&self) -> bool {
        false
    }

    /// The channels of which it must know mean and variance over the whole batch before it runs; their running ones belong to
    /// its layer.
    fn channels(&self) -> Option<ChannelShape> {
        None
    }

    /// The stage whose input it adds to its own.
    fn source(&self) -> Option<usize> {
        None
    }
}

/// A kernel's arithmetic in numbers of one kind. Pictures lie one after the other.
pub(crate) trait Arithmetic<T: Real> {
    /// Memory for as many pictures as there will be at most, but for the gradients.
    fn workspace(&self, _here: OpShape, _training: bool) -> Workspace<T> {
        Workspace::default()
    }

    /// # Shapes
    /// `x` is (rows, inputs), `y` (rows, outputs).
    fn forward(
        &self,
        here: OpShape,
        x: &[T],
        y: &mut [T],
        given: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    );

    /// From the gradients of what comes out to those of what goes in, where they are wanted, and of weights and biases where
    /// the kernel sums them: added to those in its room, over all rows.
    fn backward(&self, here: OpShape, back: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]);

    /// Measures the [`CpuOp::channels`] of some pictures.
    fn measure(&self, _x: &[T], _sums: &mut [f64]) {}

    /// The gradients of weights, then biases, of a kernel with [`CpuOp::channels`], from some pictures; they are put together
    /// before [`Arithmetic::backward`] runs.
    fn pull(&self, _x: &[T], _dy: &[T], _known: &BatchStats<T>, _gradients: &mut [T]) {}
}

/// A function of each value by itself whose derivative is one of what came out: it runs at the end of the stage before it.
pub(crate) trait Activation: Pointwise<f32> + Pointwise<f64> + Debug + Send + Sync {}

/// An activation in numbers of one kind.
pub(crate) trait Pointwise<T: Real> {
    /// Replaces each value by its function.
    fn forward(&self, values: &mut [T]);

    /// Multiplies each gradient by the derivative. `scale` is what dropout has multiplied `out` by since.
    fn backward(&self, out: &[T], gradients: &mut [T], scale: T);
}

/// Where a kernel stands: the number of its stage, pictures, and values of one picture before and after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpShape {
    pub(crate) stage: usize,
    pub(crate) rows: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

/// What a kernel computes with besides its input.
#[derive(Clone, Copy)]
pub(crate) struct ForwardArgs<'a, T> {
    pub(crate) weight: &'a [T],
    pub(crate) bias: &'a [T],
    /// What went into the stage that is [`CpuOp::source`].
    pub(crate) added: &'a [T],
}

/// What a kernel's way back is computed from, and its place.
pub(crate) struct BackwardArgs<'a, T> {
    /// What went in.
    pub(crate) x: &'a [T],
    /// The gradients of what came out.
    pub(crate) dy: &'a [T],
    /// The place for those of what went in, if they are wanted.
    pub(crate) dx: Option<&'a mut [T]>,
    pub(crate) weight: &'a [T],
    /// What is known of the [`CpuOp::channels`].
    pub(crate) known: &'a BatchStats<T>,
}

/// Memory that a kernel keeps from step to step, and from its forward to its backward run.
#[derive(Debug, Default)]
pub(crate) struct Workspace<T> {
    /// Of use to the kernel alone.
    pub(crate) scratch: [Vec<T>; 5],
    /// Where maxima were.
    pub(crate) places: Vec<u16>,
    /// The gradients of weights, then biases, that it sums; zero before each batch.
    pub(crate) gradients: Vec<T>,
    /// What it measured of its channels.
    pub(crate) sums: Vec<f64>,
    /// What will be added, where the values before it are not kept.
    pub(crate) kept: Vec<T>,
}
