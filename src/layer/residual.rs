//! The end of a residual block: what went into it is added to what its layers made of it.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::misfit::{Fitted, misfit};
use crate::layer::operation::{
    ForwardContext, LayerKind, LayerShapes, LayerVars, LowerContext, Lowered,
};
use crate::math::{Real, add_to_rows};
use candle_core::Tensor;
use std::sync::Arc;

/// Holds how many layers the block has. That they keep the shape is seen where they are.
pub(crate) struct Residual(pub(crate) usize);

impl LayerKind for Residual {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        if self.0 == 0 {
            let hint = "Residual(vec![Conv2d(Conv::new(16, 3).padding(1))])";
            return misfit("at least one layer in the block", "none", hint);
        }
        Ok(input.to_vec())
    }

    fn tensor(
        &self,
        xs: &Tensor,
        _own: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(match context.passed.open.pop() {
            Some(input) => (xs + input)?,
            None => xs.clone(),
        })
    }

    fn lower(&self, _shapes: LayerShapes<'_>, links: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(Add(links.source.unwrap_or(links.next))))
    }
}

/// y = x + what went into an earlier stage.
#[derive(Debug)]
struct Add(usize);

impl CpuOp for Add {
    fn source(&self) -> Option<usize> {
        Some(self.0)
    }
}

impl<T: Real> Arithmetic<T> for Add {
    fn workspace(&self, here: OpShape, training: bool) -> Workspace<T> {
        let kept = if training {
            0
        } else {
            here.rows * here.outputs
        };
        Workspace {
            kept: vec![T::ZERO; kept],
            ..Workspace::default()
        }
    }

    fn forward(
        &self,
        _here: OpShape,
        x: &[T],
        y: &mut [T],
        given: ForwardArgs<'_, T>,
        _rooms: &mut [Workspace<T>],
    ) {
        y.copy_from_slice(x);
        add_to_rows(y, given.added);
    }

    fn backward(&self, _here: OpShape, back: BackwardArgs<'_, T>, _rooms: &mut [Workspace<T>]) {
        // The gradients of what was added go to its stage.
        if let BackwardArgs {
            dy, dx: Some(dx), ..
        } = back
        {
            dx.copy_from_slice(dy);
        }
    }
}
