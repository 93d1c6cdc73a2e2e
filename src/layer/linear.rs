//! Dense layers: y = x Wᵀ + b.
//!
//! PyTorch: `nn.Linear(in, out)`.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::dense_output::{DenseOutput, OutputSlope};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::variable::{LayerVars, VariableSpec};
use crate::math::{Matrix, Real, add_to_rows, matmul, transpose_add};
use candle_core::Tensor;
use std::sync::Arc;

/// Dense layer with this many outputs.
#[derive(Debug)]
pub(crate) struct Linear(pub(crate) usize);

impl LayerKind for Linear {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if self.0 == 0 {
            return reject(
                "at least one output",
                0,
                "Choose a positive size, such as Linear(128)",
            );
        }
        // A vector, (1, 1, d), is flat already.
        match *input {
            [_] | [1, 1, _] => Ok(vec![self.0]),
            [steps, _] => Ok(vec![steps, self.0]),
            _ => reject("flat features", shape(input), "Put Flatten before it"),
        }
    }

    fn parameters(&self, input: &[usize]) -> Vec<VariableSpec> {
        VariableSpec::weight_and_bias(&[self.0, linear_inputs(input)], self.0)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let (weight, bias) = vars.weight_and_bias(xs.dtype())?;
        context.state.dense = Some(DenseOutput {
            weight: weight.clone(),
            slope: OutputSlope::One,
        });
        if let [b, steps, features] = *xs.dims() {
            let rows = xs.reshape((b * steps, features))?;
            let ys = rows.matmul(&weight.t()?)?.broadcast_add(&bias)?;
            return Ok(ys.reshape((b, steps, self.0))?);
        }
        let xs = xs.flatten_from(1)?; // (b, 1, 1, in) -> (b, in)
        Ok(xs.matmul(&weight.t()?)?.broadcast_add(&bias)?) // (b, in) x (in, out)
    }

    fn joins_images(&self) -> bool {
        false
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        match shapes.before {
            [_, _] => Lowered::WholeBatch,
            _ => Lowered::CpuOp(Arc::new(LinearOp)),
        }
    }
}

/// Inputs of a unit: all features, or those of a step.
pub(crate) fn linear_inputs(input: &[usize]) -> usize {
    match *input {
        [_, features] => features,
        _ => input.iter().product(),
    }
}

/// Matrix product with weights (outputs, inputs), plus bias.
#[derive(Debug)]
pub(super) struct LinearOp;

impl CpuOp for LinearOp {
    fn stands_alone(&self) -> bool {
        true
    }

    fn keeps_workspace(&self) -> bool {
        false
    }

    fn dense(&self) -> bool {
        true
    }
}

impl<T: Real> Arithmetic<T> for LinearOp {
    fn workspace(&self, shape: OpShape, _training: bool) -> Workspace<T> {
        Workspace::with_scratch([shape.outputs * shape.rows.min(small_batch(shape))])
    }

    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let OpShape {
            rows,
            inputs,
            outputs,
            ..
        } = shape;
        let x = Matrix::new(x, rows, inputs);
        let weight = Matrix::new(args.weight, outputs, inputs);
        if rows <= small_batch(shape) {
            let y_transposed = &mut workspaces[shape.stage].scratch[0][..outputs * rows];
            matmul(weight, x.transposed(), y_transposed, false); // (out, in) x (in, rows)
            transpose_add(y_transposed, rows, args.bias, y);
        } else {
            matmul(x, weight.transposed(), y, false); // (rows, in) x (in, out)
            add_to_rows(y, args.bias);
        }
    }

    fn backward(
        &self,
        shape: OpShape,
        args: BackwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        let Some(dx) = args.dx else { return };
        let dy = Matrix::new(args.dy, shape.rows, shape.outputs);
        let weight = Matrix::new(args.weight, shape.outputs, shape.inputs);
        matmul(dy, weight, dx, false); // (rows, out) x (out, in)
    }
}

/// Largest batch for which transposing `x` and `y` costs less than transposing the weight: the
/// matrix product transposes one operand, value by value.
fn small_batch(shape: OpShape) -> usize {
    shape.inputs * shape.outputs / (shape.inputs + shape.outputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward(rows: usize, x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
        let (inputs, outputs) = (x.len() / rows, bias.len());
        let shape = OpShape {
            stage: 0,
            rows,
            inputs,
            outputs,
        };
        let mut workspaces = [LinearOp.workspace(shape, false)];
        let mut y = vec![0.0; rows * outputs];
        let args = ForwardArgs {
            training: None,
            weight,
            bias,
            skip_input: &[],
        };
        LinearOp.forward(shape, x, &mut y, args, &mut workspaces);
        y
    }

    #[test]
    fn small_and_large_batches_give_the_same_outputs() {
        // import torch; x = torch.tensor([[1., 2, 3, 4], [5, 6, 7, 8], [-1, 0, 1, 0]])
        // w = torch.tensor([[1., 0, 0, 1], [0, 2, 0, 0], [1, 1, 1, 1], [0, 0, 0, -1]])
        // torch.nn.functional.linear(x, w, torch.tensor([1., 0, 0, 2]))
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, -1.0, 0.0, 1.0, 0.0];
        let weight = [
            1.0, 0.0, 0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, -1.0,
        ];
        let bias = [1.0, 0.0, 0.0, 2.0];
        let expected = [
            6.0, 4.0, 10.0, -2.0, 14.0, 12.0, 26.0, -6.0, 0.0, 0.0, 0.0, 2.0,
        ];
        // A batch of up to 4 * 4 / (4 + 4) = 2 images is small.
        assert_eq!(forward(3, &x, &weight, &bias), expected);
        assert_eq!(forward(2, &x[..8], &weight, &bias), expected[..8]);
    }
}
