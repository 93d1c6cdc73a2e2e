//! Dense layers of directions: y = x Wᵀ + b, where each column of W has the Euclidean norm 1.
//!
//! The norm of a column would otherwise grow, and its unit's value shrink, which defeats penalties on
//! the values. The columns are scaled after each step of the optimizer (Bricken and others, "Towards
//! monosemanticity", 2023).
//!
//! Behind a layer with an auxiliary loss (`aux_k`), the layer adds it: with the second code a and the
//! images t, as a mean over images and values,
//!
//! L = weight (a Wᵀ - (t - y))²
//!
//! The remainder t - y counts as a constant (Gao and others, "Scaling and evaluating sparse
//! autoencoders", 2024).

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::linear::{Linear, LinearOp};
use crate::layer::term::{Term, TermUnit, TermValue, full_precision};
use crate::layer::variable::{LayerVars, VariableSpec};
use crate::math::{Matrix, Real, matmul};
use candle_core::{Tensor, Var};
use std::sync::Arc;

/// Weight of the auxiliary loss, as in the paper.
const WEIGHT: f64 = 1.0 / 32.0;

const TERM: Term = Term {
    name: "auxiliary",
    unit: TermUnit::Value,
};

/// Smallest norm by which a column is divided.
const MIN_NORM: f64 = 1e-12;

/// Dense layer with this many outputs, whose weights have columns of norm 1.
pub(crate) struct UnitNormLinear(pub(crate) usize);

impl LayerKind for UnitNormLinear {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        match *input {
            [_] | [1, 1, _] => Linear(self.0).output_shape(input),
            _ => reject("flat features", shape(input), "Put Flatten before it"),
        }
    }

    fn parameters(&self, input: &[usize]) -> Vec<VariableSpec> {
        Linear(self.0).parameters(input)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let ys = Linear(self.0).candle_forward(xs, vars, context)?;
        if let Some(code) = context.state.second_code.take() {
            let images = context.state.images.as_ref().unwrap_or(&ys);
            let remainder = full_precision(&(images.flatten_from(1)? - &ys)?.detach())?;
            let (weight, _) = vars.weight_and_bias(code.dtype())?;
            let mean = if code.elem_count() == 0 {
                Tensor::zeros((), remainder.dtype(), remainder.device())?
            } else {
                let second = full_precision(&code.matmul(&weight.t()?)?)?;
                ((second - remainder)?.sqr()?.mean_all()? * WEIGHT)?
            };
            context.state.terms.push(TermValue { term: TERM, mean });
        }
        Ok(ys)
    }

    fn constrain(&self, vars: LayerVars<'_>) -> Result<()> {
        if let Some(weight) = vars.learned.first() {
            normalize(&weight.var)?;
        }
        Ok(())
    }

    fn lower(&self, _shapes: LayerShapes<'_>, context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(UnitNormOp {
            second_code: context.second_code.take(),
        }))
    }
}

/// Divides the columns of a variable (outputs, inputs) by their norms.
fn normalize(weight: &Var) -> Result<()> {
    let values = weight.as_tensor().detach();
    let norms = values.sqr()?.sum_keepdim(0)?.sqrt()?; // (1, in)
    let norms = norms.maximum(MIN_NORM)?;
    Ok(weight.set(&values.broadcast_div(&norms)?)?)
}

/// CPU op of [`UnitNormLinear`].
#[derive(Debug)]
struct UnitNormOp {
    /// The stage that leaves a second code.
    second_code: Option<usize>,
}

impl CpuOp for UnitNormOp {
    fn dense(&self) -> bool {
        true
    }

    fn constrains(&self) -> bool {
        true
    }

    fn skip_source(&self) -> Option<usize> {
        self.second_code.map(|_| 0) // The images.
    }

    fn second_code(&self) -> Option<usize> {
        self.second_code
    }

    fn term(&self) -> Option<Term> {
        self.second_code.map(|_| TERM)
    }
}

impl<T: Real> Arithmetic<T> for UnitNormOp {
    /// In training with a second code: the difference of its output and the remainder, and then the
    /// gradient of its output.
    fn workspace(&self, shape: OpShape, training: bool) -> Workspace<T> {
        let mut workspace = LinearOp.workspace(shape, training);
        if self.second_code.is_some() {
            let values = vec![T::ZERO; shape.rows * shape.outputs];
            if training {
                workspace.second_gradient = values;
            } else {
                workspace.skip_input = values;
            }
        }
        workspace
    }

    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        LinearOp.forward(shape, x, y, args, workspaces);
        let (before, own) = workspaces.split_at_mut(shape.stage);
        own[0].term = 0.0;
        let Some(code) = second_code(self, before) else {
            return;
        };
        let difference = &mut own[0].second_gradient[..y.len()];
        let code = Matrix::new(code, shape.rows, shape.inputs);
        let weight = Matrix::new(args.weight, shape.outputs, shape.inputs);
        matmul(code, weight.transposed(), difference, false); // (rows, in) x (in, out)
        let mut sum = 0.0;
        for ((difference, y), image) in difference.iter_mut().zip(y).zip(args.skip_input) {
            *difference += *y - *image;
            let value: f64 = (*difference).into();
            sum += value * value;
        }
        own[0].term = WEIGHT * sum / shape.outputs as f64;
    }

    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        let (before, own) = workspaces.split_at_mut(shape.stage);
        if let Some(source) = self.second_code
            && !before[source].second_code.is_empty()
        {
            let n = shape.rows * shape.outputs;
            let dy = &mut own[0].second_gradient[..n];
            let factor = args.term_scale * T::of(2.0 * WEIGHT / shape.outputs as f64);
            dy.iter_mut().for_each(|difference| *difference *= factor);
            let dx = &mut before[source].second_gradient;
            dx.resize(shape.rows * shape.inputs, T::ZERO);
            let weight = Matrix::new(args.weight, shape.outputs, shape.inputs);
            matmul(
                Matrix::new(dy, shape.rows, shape.outputs),
                weight,
                dx,
                false,
            );
        }
        LinearOp.backward(shape, args, workspaces);
    }

    fn constrain(&self, inputs: usize, weights: &mut [T]) {
        let mut norms = vec![0.0f64; inputs];
        for row in weights.chunks_exact(inputs) {
            for (norm, weight) in norms.iter_mut().zip(row) {
                let weight: f64 = (*weight).into();
                *norm += weight * weight;
            }
        }
        let scale = |norm: f64| T::of(1.0 / norm.sqrt().max(MIN_NORM));
        let scales: Vec<T> = norms.into_iter().map(scale).collect();
        for row in weights.chunks_exact_mut(inputs) {
            row.iter_mut()
                .zip(&scales)
                .for_each(|(w, scale)| *w *= *scale);
        }
    }
}

/// The second code of a shard's images; `None` if no unit is dead.
fn second_code<'a, T>(op: &UnitNormOp, before: &'a [Workspace<T>]) -> Option<&'a [T]> {
    let code = &before.get(op.second_code?)?.second_code;
    (!code.is_empty()).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn both_executors_scale_columns_to_norm_1() {
        // Columns (3, 4) and (0, 0), which stays.
        let weight = Var::new(&[[3f64, 0.0], [4.0, 0.0]], &Device::Cpu).unwrap();
        normalize(&weight).unwrap();
        let scaled = weight.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let mut weights = [3.0f64, 0.0, 4.0, 0.0];
        UnitNormOp { second_code: None }.constrain(2, &mut weights);
        for (found, expected) in scaled
            .iter()
            .chain(&weights)
            .zip([0.6, 0.0, 0.8, 0.0].iter().cycle())
        {
            assert!(
                (found - expected).abs() < 1e-12,
                "{found}, expected {expected}"
            );
        }
    }

    #[test]
    fn sequences_are_rejected() {
        assert_eq!(UnitNormLinear(3).output_shape(&[8]), Ok(vec![3]));
        assert!(UnitNormLinear(3).output_shape(&[4, 8]).is_err());
        assert!(UnitNormLinear(0).output_shape(&[8]).is_err());
    }
}
