//! An L2 penalty on the code: the sum of the squares, which keeps codes small.
//!
//! Ghosh and others, "From variational to deterministic autoencoders", 2020 (RAE).
//! Keras: `activity_regularizer=regularizers.l2(weight)`.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject};
use crate::layer::term::{Term, TermUnit, TermValue, full_precision};
use crate::layer::variable::LayerVars;
use crate::math::{Interval, Real, widest};
use candle_core::Tensor;
use std::sync::Arc;

/// Passes values on, and adds their squares times this weight to the loss.
#[derive(Debug)]
pub(crate) struct L2(pub(crate) f64);

const TERM: Term = Term {
    name: "L2",
    unit: TermUnit::Value,
};

impl LayerKind for L2 {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if !(0.0..=1e6).contains(&self.0) {
            return reject(
                "a weight in [0, 1000000]",
                self.0,
                "0.0001 is common; 0 turns it off",
            );
        }
        Ok(input.to_vec())
    }

    fn output_range(&self, input: Interval) -> Interval {
        input
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let images = xs.dim(0)? as f64;
        let mean = (full_precision(xs)?.sqr()?.sum_all()? * (self.0 / images))?;
        context.state.terms.push(TermValue { term: TERM, mean });
        Ok(xs.clone())
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(L2(self.0)))
    }
}

impl CpuOp for L2 {
    fn term(&self) -> Option<Term> {
        Some(TERM)
    }
}

impl<T: Real> Arithmetic<T> for L2 {
    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        _args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        y.copy_from_slice(x);
        let rows = x.chunks_exact(shape.inputs.max(1));
        let sums =
            rows.map(|row| -> f64 { widest!(|| row.iter().map(|&x| x * x).sum::<T>()).into() });
        workspaces[shape.stage].term = self.0 * sums.sum::<f64>();
    }

    /// dx = dy + 2 scale x
    fn backward(
        &self,
        _shape: OpShape,
        args: BackwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        let Some(dx) = args.dx else { return };
        let scale = args.term_scale * T::of(2.0 * self.0);
        widest!(|| {
            for ((dx, &dy), &x) in dx.iter_mut().zip(args.dy).zip(args.x) {
                *dx = dy + scale * x;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_outside_their_range_are_rejected() {
        assert!(L2(-1.0).output_shape(&[4]).is_err());
        assert!(L2(f64::NAN).output_shape(&[4]).is_err());
        assert_eq!(L2(1e-4).output_shape(&[4]), Ok(vec![4]));
    }
}
