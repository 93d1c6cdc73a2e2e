//! One stage of a plan: a CPU op, then an activation, then dropout.

use crate::layer::{
    Activation, Arithmetic, CpuOp, ForwardArgs, Number, OpShape, Pointwise, Workspace,
};
use crate::plan::whole_batch::WholeBatchOp;
use std::ops::Range;
use std::sync::Arc;

/// An op with the activation and dropout fused into it.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) op: Arc<dyn CpuOp>,
    /// The op again, if it looks at the whole batch in training.
    pub(crate) whole_batch: Option<Arc<WholeBatchOp>>,
    pub(crate) activation: Option<Arc<dyn Activation>>,
    /// Dropout probability, in training.
    pub(crate) dropout: Option<f64>,
    /// Input values per image.
    pub(crate) inputs: usize,
    /// Output values per image.
    pub(crate) outputs: usize,
    /// Range of its weight, then bias, or of a whole batch's variables, in the plan's parameters.
    pub(crate) parameters: Range<usize>,
    /// Length of its bias, or of the second variable.
    pub(crate) biases: usize,
}

impl Stage {
    /// The op, if it looks at the whole batch in training.
    pub(crate) fn whole_batch(&self) -> Option<&WholeBatchOp> {
        self.whole_batch.as_deref()
    }

    /// Returns true if the stage has buffers, such as a running mean.
    pub(crate) fn has_buffers(&self) -> bool {
        let whole_batch = self.whole_batch().is_some_and(WholeBatchOp::has_buffers);
        whole_batch || self.op.channels().is_some()
    }

    /// Returns true if the stage has parameters.
    pub(crate) fn has_weights(&self) -> bool {
        !self.parameters.is_empty()
    }

    /// Weight and bias, as slices of the plan's parameters.
    pub(crate) fn weight_and_bias<'a, T>(&self, parameters: &'a [T]) -> (&'a [T], &'a [T]) {
        let parameters = &parameters[self.parameters.clone()];
        parameters.split_at(parameters.len() - self.biases)
    }

    /// Random numbers that dropout draws for an image.
    pub(crate) fn dropout_rng_calls(&self) -> usize {
        if self.dropout.is_some() {
            self.outputs
        } else {
            0
        }
    }

    /// Random numbers that the op, then dropout, draws for an image.
    pub(crate) fn rng_calls(&self) -> usize {
        self.op.rng_calls() + self.dropout_rng_calls()
    }

    /// Shape of its op as the stage with index `index`, for `rows` images.
    pub(crate) fn op_shape(&self, index: usize, rows: usize) -> OpShape {
        OpShape {
            stage: index,
            rows,
            inputs: self.inputs,
            outputs: self.outputs,
        }
    }

    pub(crate) fn arithmetic<T: Number>(&self) -> &dyn Arithmetic<T> {
        T::arithmetic(self.op.as_ref())
    }

    pub(crate) fn pointwise<T: Number>(&self) -> Option<&dyn Pointwise<T>> {
        self.activation.as_deref().map(T::pointwise)
    }

    /// Runs the op and the activation. The caller applies dropout.
    pub(crate) fn forward<T: Number>(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        self.arithmetic().forward(shape, x, y, args, workspaces);
        if let Some(activation) = self.pointwise() {
            activation.forward(y);
        }
    }
}
