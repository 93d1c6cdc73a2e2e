//! End of a residual block: adds the block's input to the output of its layers.
//!
//! He and others, "Deep residual learning for image recognition", 2016.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject};
use crate::layer::variable::LayerVars;
use crate::math::{Real, add_to_rows};
use candle_core::Tensor;
use std::sync::Arc;

/// End of a residual block of this many layers. Shape inference over the flattened nodes checks
/// that the block keeps the shape.
pub(crate) struct Residual(pub(crate) usize);

impl LayerKind for Residual {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if self.0 == 0 {
            return reject(
                "at least one layer in the block",
                "none",
                "Residual(vec![Conv2d(16, 3).padding(1)])",
            );
        }
        Ok(input.to_vec())
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(match context.state.skip_inputs.pop() {
            Some(input) => (xs + input)?,
            None => xs.clone(),
        })
    }

    fn lower(&self, _shapes: LayerShapes<'_>, context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(SkipAdd {
            source: context.skip_source.unwrap_or(context.next),
        }))
    }
}

/// y = x + input of an earlier stage.
#[derive(Debug)]
struct SkipAdd {
    /// The earlier stage.
    source: usize,
}

impl CpuOp for SkipAdd {
    fn skip_source(&self) -> Option<usize> {
        Some(self.source)
    }
}

impl<T: Real> Arithmetic<T> for SkipAdd {
    /// Training keeps all activations, so only inference needs a copy of the skip input.
    fn workspace(&self, shape: OpShape, training: bool) -> Workspace<T> {
        let n = if training {
            0
        } else {
            shape.rows * shape.outputs
        };
        Workspace {
            skip_input: vec![T::ZERO; n],
            ..Workspace::default()
        }
    }

    fn forward(
        &self,
        _shape: OpShape,
        x: &[T],
        y: &mut [T],
        args: ForwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        y.copy_from_slice(x);
        add_to_rows(y, args.skip_input);
    }

    /// Copies dy to dx. The caller adds dy to the gradient of the skip input.
    fn backward(
        &self,
        _shape: OpShape,
        args: BackwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        if let Some(dx) = args.dx {
            dx.copy_from_slice(args.dy);
        }
    }
}
