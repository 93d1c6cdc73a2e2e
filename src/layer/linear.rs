//! Dense layers: y = x Wᵀ + b.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::misfit::{Fitted, misfit, shape};
use crate::layer::operation::{
    ForwardContext, LayerKind, LayerShapes, LayerVars, LowerContext, Lowered,
};
use crate::math::{Matrix, Real, add_to_rows, matmul, transpose};
use candle_core::Tensor;
use std::sync::Arc;

/// Holds how many values come out.
#[derive(Debug)]
pub(crate) struct Linear(pub(crate) usize);

impl LayerKind for Linear {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        if self.0 == 0 {
            return misfit(
                "at least one output",
                0,
                "Choose a positive size, such as Linear(128)",
            );
        }
        if input.len() != 1 {
            return misfit("values in a row", shape(input), "Put Flatten before it");
        }
        Ok(vec![self.0])
    }

    fn parameter_shapes(&self, input: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
        Some((vec![self.0, input[0]], vec![self.0]))
    }

    fn tensor(
        &self,
        xs: &Tensor,
        own: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let (weight, bias) = own.learned(xs.dtype())?;
        Ok(xs.matmul(&weight.t()?)?.broadcast_add(&bias)?)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _links: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(Product))
    }
}

/// The product with a matrix of weights (outputs, inputs).
#[derive(Debug)]
struct Product;

impl CpuOp for Product {
    fn dense(&self) -> bool {
        true
    }
}

impl<T: Real> Arithmetic<T> for Product {
    fn workspace(&self, here: OpShape, _training: bool) -> Workspace<T> {
        let turned = vec![T::ZERO; here.outputs * here.rows.min(few(here))];
        Workspace {
            scratch: [turned, vec![], vec![], vec![], vec![]],
            ..Workspace::default()
        }
    }

    fn forward(
        &self,
        here: OpShape,
        x: &[T],
        y: &mut [T],
        given: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let OpShape {
            rows,
            inputs,
            outputs,
            ..
        } = here;
        let (x, weight) = (
            Matrix::new(x, rows, inputs),
            Matrix::new(given.weight, outputs, inputs),
        );
        if rows <= few(here) {
            let turned = &mut workspaces[here.stage].scratch[0][..outputs * rows];
            matmul(weight, x.transposed(), turned, false); // (out, in) x (in, rows)
            transpose(turned, rows, y);
        } else {
            matmul(x, weight.transposed(), y, false); // (rows, in) x (in, out)
        }
        add_to_rows(y, given.bias);
    }

    fn backward(&self, here: OpShape, back: BackwardArgs<'_, T>, _rooms: &mut [Workspace<T>]) {
        let BackwardArgs {
            dy,
            dx: Some(dx),
            weight,
            ..
        } = back
        else {
            return;
        };
        let dy = Matrix::new(dy, here.rows, here.outputs);
        matmul(
            dy,
            Matrix::new(weight, here.outputs, here.inputs),
            dx,
            false,
        ); // (rows, out) x (out, in)
    }
}

/// Up to so many pictures are few: a product turns one of its sides, value by value, and for fewer it is better to turn them and
/// what comes out of them than all weights.
fn few(here: OpShape) -> usize {
    here.inputs * here.outputs / (here.inputs + here.outputs)
}
