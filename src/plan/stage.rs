//! One step of a plan: a kernel, then an activation, then dropout.

use crate::layer::{
    Activation, Arithmetic, CpuOp, ForwardArgs, Number, OpShape, Pointwise, Workspace,
};
use std::ops::Range;
use std::sync::Arc;

/// One step of the computation, of one picture's `inputs` values to its `outputs`.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) kernel: Arc<dyn CpuOp>,
    pub(crate) activation: Option<Arc<dyn Activation>>,
    /// The probability to drop a value, in training.
    pub(crate) dropout: Option<f64>,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Where its weights, then its biases, stand among all parameters.
    pub(crate) parameters: Range<usize>,
    pub(crate) biases: usize,
}

impl Stage {
    /// Whether it has weights.
    pub(crate) fn learns(&self) -> bool {
        !self.parameters.is_empty()
    }

    /// Its weights and biases, of all parameters.
    pub(crate) fn own<'a, T>(&self, parameters: &'a [T]) -> (&'a [T], &'a [T]) {
        let own = &parameters[self.parameters.clone()];
        own.split_at(own.len() - self.biases)
    }

    /// How many numbers its dropout draws for one picture.
    pub(crate) fn dropped(&self) -> usize {
        if self.dropout.is_some() {
            self.outputs
        } else {
            0
        }
    }

    /// Its place as number `i`, for so many pictures.
    pub(crate) fn here(&self, i: usize, rows: usize) -> OpShape {
        OpShape {
            stage: i,
            rows,
            inputs: self.inputs,
            outputs: self.outputs,
        }
    }

    pub(crate) fn arithmetic<T: Number>(&self) -> &dyn Arithmetic<T> {
        T::arithmetic(self.kernel.as_ref())
    }

    pub(crate) fn pointwise<T: Number>(&self) -> Option<&dyn Pointwise<T>> {
        self.activation.as_deref().map(T::pointwise)
    }

    /// Without dropout, which the caller draws.
    pub(crate) fn forward<T: Number>(
        &self,
        here: OpShape,
        (x, y): (&[T], &mut [T]),
        given: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        self.arithmetic().forward(here, x, y, given, workspaces);
        if let Some(activation) = self.pointwise() {
            activation.forward(y);
        }
    }
}
