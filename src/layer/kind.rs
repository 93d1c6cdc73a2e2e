//! The `LayerKind` trait: shape inference, the candle forward pass, and lowering to a CPU op.

use crate::error::Result;
use crate::layer::batch_rows::BatchRows;
use crate::layer::cpu::{Activation, CpuOp};
use crate::layer::dense_output::DenseOutput;
use crate::layer::layer_error::ShapeResult;
use crate::layer::term::{Term, TermValue};
use crate::layer::variable::{LayerVars, VariableSpec};
use crate::math::{Interval, Rng};
use candle_core::{Tensor, Var};
use std::any::Any;
use std::sync::Arc;

/// Implementation of one kind of layer.
pub(crate) trait LayerKind {
    /// Infers the output shape from the input shape, both without the batch dimension.
    ///
    /// # Errors
    /// The layer cannot take this input, or one of its settings is out of range.
    fn output_shape(&self, input: &[usize]) -> ShapeResult;

    /// Variables that the optimizer trains. A hand-written op has a weight and a bias.
    fn parameters(&self, _input: &[usize]) -> Vec<VariableSpec> {
        Vec::new()
    }

    /// Variables that the layer measures in training: see [`ForwardState::updates`].
    fn buffers(&self, _input: &[usize]) -> Vec<VariableSpec> {
        Vec::new()
    }

    /// Random numbers that a layer of the whole batch draws for an image, in calls of [`Rng::unit`].
    fn rng_calls(&self, _input: &[usize]) -> usize {
        0
    }

    /// False for a layer that computes each image by itself, though it runs by candle. Ranks then do
    /// not send each other its input.
    fn joins_images(&self) -> bool {
        true
    }

    /// Term that a layer of the whole batch adds to the loss.
    fn term(&self) -> Option<Term> {
        None
    }

    /// Values that the layer can produce in training from inputs in this interval. Layers with
    /// weights have no bounds.
    fn output_range(&self, _input: Interval) -> Interval {
        Interval::UNBOUNDED
    }

    /// Computes the output with candle's differentiable operations.
    ///
    /// # Shapes
    /// (b, input shape) -> (b, output shape)
    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor>;

    /// Restores a constraint of the parameters, after they were drawn or changed by the optimizer.
    ///
    /// # Errors
    /// Not enough memory on the device.
    fn constrain(&self, _vars: LayerVars<'_>) -> Result<()> {
        Ok(())
    }

    /// Lowers the layer to its part of a CPU plan.
    fn lower(&self, shapes: LayerShapes<'_>, context: &mut LowerContext) -> Lowered;
}

/// State of one candle forward pass, passed to each layer.
pub(crate) struct ForwardContext<'a> {
    /// Random numbers for dropout in training mode; `None` in evaluation mode.
    pub(crate) rng: Option<&'a mut Rng>,
    pub(crate) state: &'a mut ForwardState,
}

/// Step of training, and what layers leave for later layers or for the loss of the same forward
/// pass.
#[derive(Debug, Default)]
pub(crate) struct ForwardState {
    /// On the CPU, hand-written ops run in place of candle's operations where one
    /// [stands alone](CpuOp::stands_alone).
    pub(crate) cpu_ops: bool,
    /// Steps of the optimizer so far.
    pub(crate) step: usize,
    /// Terms that layers add to the loss.
    pub(crate) terms: Vec<TermValue>,
    /// One-hot positions of the maxima of each max-pooling not yet unpooled ("switches").
    pub(crate) switches: Vec<Tensor>,
    /// Workspaces of each max-pooling by a CPU op not yet unpooled.
    pub(crate) pools: Vec<Arc<dyn Any + Send + Sync>>,
    /// Inputs of the residual blocks that have not ended yet.
    pub(crate) skip_inputs: Vec<Tensor>,
    /// New values of buffers, in training.
    pub(crate) updates: Vec<(Var, Tensor)>,
    /// The last dense layer.
    pub(crate) dense: Option<DenseOutput>,
    /// Values that `Save` keeps, under their names.
    pub(crate) saved: Vec<(String, Tensor)>,
    /// Largest values of the dead units, for the decoder: (b, units), or (0, units) without dead
    /// units.
    pub(crate) second_code: Option<Tensor>,
    /// The images of a training step: (b, c, h, w).
    pub(crate) images: Option<Tensor>,
    /// Labels of the images: (b), u32.
    pub(crate) labels: Option<Tensor>,
    /// The images, if other ranks have the rest of the batch.
    pub(crate) rows: Option<BatchRows>,
}

impl ForwardState {
    /// Writes the new values of buffers, if the step was of use.
    pub(crate) fn update_buffers(&mut self) -> Result<()> {
        for (buffer, value) in self.updates.drain(..) {
            buffer.set(&value.detach().to_dtype(buffer.dtype())?)?;
        }
        Ok(())
    }
}

/// Shapes before and after a layer, without the batch dimension.
#[derive(Clone, Copy)]
pub(crate) struct LayerShapes<'a> {
    pub(crate) before: &'a [usize],
    pub(crate) after: &'a [usize],
}

/// Links between stages while a list of layers is lowered to a plan.
#[derive(Default)]
pub(crate) struct LowerContext {
    /// Index of the next stage.
    pub(crate) next: usize,
    /// Max-pooling stages that no unpooling has claimed yet.
    pub(crate) pools: Vec<usize>,
    /// Stage that leaves a second code.
    pub(crate) second_code: Option<usize>,
    /// At the end of a residual block: the stage that reads the block's input.
    pub(crate) skip_source: Option<usize>,
}

/// Part of a plan that a layer lowers to.
pub(crate) enum Lowered {
    /// Nothing: only the shape changes.
    Nothing,
    /// An activation, fused into the stage before it.
    Activation(Arc<dyn Activation>),
    /// Dropout with this probability, fused into the stage before it.
    Dropout(f64),
    /// A stage.
    CpuOp(Arc<dyn CpuOp>),
    /// A stage that looks at the whole batch in training.
    WholeBatch,
    /// A layer that reads more than its input. Models with it run by candle.
    Unplanned,
}
