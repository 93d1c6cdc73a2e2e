//! What there is to know of a kind of layer: its shapes, how candle's autograd runs it, and how the processor does. Each kind
//! stands in a file of its own; `layer` names them.

use crate::error::Result;
use crate::layer::cpu::{Activation, CpuOp};
use crate::layer::misfit::Fitted;
use crate::math::Rng;
use candle_core::{DType, Tensor, Var};
use std::sync::Arc;

/// A kind of layer.
pub(crate) trait LayerKind {
    /// The shape that comes out, without the batch, for the shape that goes in.
    ///
    /// # Errors
    /// Where the layer cannot take this input, or its own number is outside its range.
    fn output_shape(&self, input: &[usize]) -> Fitted;

    /// The shapes of its weight and bias for the shape that goes in; none where it has nothing to learn itself. A weight with
    /// one number for each channel starts at 1 and its bias at 0, others uniform in ±1/sqrt(inputs), as in PyTorch.
    fn parameter_shapes(&self, _input: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
        None
    }

    /// Whether it has a running mean and variance for each channel, which are not learned.
    fn running(&self) -> bool {
        false
    }

    /// What comes out by candle's operations, of which autograd knows the gradients.
    ///
    /// # Shapes
    /// (b, input shape) -> (b, output shape)
    fn tensor(
        &self,
        xs: &Tensor,
        own: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor>;

    /// How the processor runs it.
    fn lower(&self, shapes: LayerShapes<'_>, links: &mut LowerContext) -> Lowered;
}

/// The variables of one layer.
#[derive(Clone, Copy)]
pub(crate) struct LayerVars<'a> {
    /// Weight and bias.
    pub(crate) learned: Option<&'a (Var, Var)>,
    /// Running mean and variance.
    pub(crate) running: Option<&'a (Var, Var)>,
}

impl LayerVars<'_> {
    /// Weight and bias in the numbers of what goes in.
    pub(crate) fn learned(&self, dtype: DType) -> Result<(Tensor, Tensor)> {
        let Some((weight, bias)) = self.learned else {
            unreachable!("a layer with weights is made with its variables")
        };
        Ok((
            weight.as_tensor().to_dtype(dtype)?,
            bias.as_tensor().to_dtype(dtype)?,
        ))
    }
}

/// What candle's operations need besides the layer.
pub(crate) struct ForwardContext<'a> {
    /// In training: where draws come from. Dropout happens, and normalizations measure, where there is one.
    pub(crate) draws: Option<&'a mut Rng>,
    pub(crate) passed: &'a mut ForwardState,
}

/// What layers leave behind for later ones.
#[derive(Debug, Default)]
pub(crate) struct ForwardState {
    /// Where poolings found their maxima.
    pub(crate) switches: Vec<Tensor>,
    /// What went into the residual blocks that are open.
    pub(crate) open: Vec<Tensor>,
}

/// The shapes before and after a layer, without the batch.
#[derive(Clone, Copy)]
pub(crate) struct LayerShapes<'a> {
    pub(crate) before: &'a [usize],
    pub(crate) after: &'a [usize],
}

/// What stages of a plan know of earlier ones.
#[derive(Default)]
pub(crate) struct LowerContext {
    /// The number of the stage that is about to be made.
    pub(crate) next: usize,
    /// Stages of poolings that no unpooling has taken yet.
    pub(crate) pools: Vec<usize>,
    /// At the end of a residual block: the stage that its input went into.
    pub(crate) source: Option<usize>,
}

/// What a layer is in a plan.
pub(crate) enum Lowered {
    /// Only a shape.
    Nothing,
    /// The end of the stage before it.
    Activation(Arc<dyn Activation>),
    /// The probability to drop a value, at the end of the stage before it.
    Dropout(f64),
    /// A stage.
    CpuOp(Arc<dyn CpuOp>),
}
