//! Penalties on the code: the sum of the magnitudes, which makes codes sparse, and the sum of the squares,
//! which keeps them small.
//!
//! Keras: `activity_regularizer=regularizers.l1(weight)` and `l2(weight)`. L2: Ghosh and others, "From
//! variational to deterministic autoencoders", 2020 (RAE).

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject};
use crate::layer::term::{Term, TermUnit, TermValue, full_precision};
use crate::layer::variable::LayerVars;
use crate::math::{Interval, Real, widest};
use candle_core::Tensor;
use std::sync::Arc;

/// Passes values on, and adds their sum times this weight to the loss.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Penalty {
    /// The sum of the magnitudes.
    L1(f64),
    /// The sum of the squares.
    L2(f64),
}

impl Penalty {
    const fn weight(self) -> f64 {
        let (Penalty::L1(weight) | Penalty::L2(weight)) = self;
        weight
    }

    const fn loss_term(self) -> Term {
        Term {
            name: match self {
                Penalty::L1(_) => "L1",
                Penalty::L2(_) => "L2",
            },
            unit: TermUnit::Value,
        }
    }
}

impl LayerKind for Penalty {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if !(0.0..=1e6).contains(&self.weight()) {
            return reject(
                "a weight in [0, 1000000]",
                self.weight(),
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
        let values = full_precision(xs)?;
        let costs = match self {
            // abs' gradient at 0 is 1 in candle.
            Penalty::L1(_) => (values.relu()? + values.neg()?.relu()?)?,
            Penalty::L2(_) => values.sqr()?,
        };
        let mean = (costs.sum_all()? * (self.weight() / images))?;
        let term = self.loss_term();
        context.state.terms.push(TermValue { term, mean });
        Ok(xs.clone())
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(*self))
    }
}

impl CpuOp for Penalty {
    fn term(&self) -> Option<Term> {
        Some(self.loss_term())
    }
}

impl<T: Real> Arithmetic<T> for Penalty {
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
        let sum = |row: &[T]| -> f64 {
            match self {
                Penalty::L1(_) => widest!(|| row.iter().map(|x| x.abs()).sum::<T>()),
                Penalty::L2(_) => widest!(|| row.iter().map(|&x| x * x).sum::<T>()),
            }
            .into()
        };
        workspaces[shape.stage].term = self.weight() * rows.map(sum).sum::<f64>();
    }

    /// dx = dy + scale sign(x), or dy + 2 scale x
    fn backward(
        &self,
        _shape: OpShape,
        args: BackwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        let Some(dx) = args.dx else { return };
        let values = dx.iter_mut().zip(args.dy).zip(args.x);
        match self {
            Penalty::L1(weight) => {
                let scale = args.term_scale * T::of(*weight);
                widest!(|| {
                    for ((dx, &dy), &x) in values {
                        let up = if x > T::ZERO { scale } else { T::ZERO };
                        let down = if x < T::ZERO { scale } else { T::ZERO };
                        *dx = dy + up - down;
                    }
                });
            }
            Penalty::L2(weight) => {
                let scale = args.term_scale * T::of(2.0 * weight);
                widest!(|| {
                    for ((dx, &dy), &x) in values {
                        *dx = dy + scale * x;
                    }
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_outside_their_range_are_rejected() {
        for penalty in [Penalty::L1, Penalty::L2] {
            assert!(penalty(-1.0).output_shape(&[4]).is_err());
            assert!(penalty(f64::NAN).output_shape(&[4]).is_err());
            assert_eq!(penalty(1e-4).output_shape(&[4]), Ok(vec![4]));
        }
    }
}
