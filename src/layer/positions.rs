//! Learned positions: a vector for each step of a sequence, which is added to it.
//!
//! Dosovitskiy and others, "An image is worth 16x16 words", 2020.
//! PyTorch: `x + nn.Embedding(steps, n).weight`.

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::ShapeResult;
use crate::layer::sequence::sequence_shape;
use crate::layer::variable::{FirstValues, LayerVars, VariableSpec};
use candle_core::Tensor;

/// Standard deviation of first values, as in the paper's code.
pub(crate) const DEVIATION: f64 = 0.02;

/// Adds a learned vector to each step.
pub(crate) struct Positions;

impl LayerKind for Positions {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        sequence_shape(input)?;
        Ok(input.to_vec())
    }

    fn parameters(&self, input: &[usize]) -> Vec<VariableSpec> {
        let values = FirstValues::Normal(0.0, DEVIATION);
        vec![VariableSpec::new("weight", input, values)]
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(xs.broadcast_add(&vars.learned(0, xs.dtype())?)?)
    }

    fn joins_images(&self) -> bool {
        false
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::WholeBatch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use crate::layer::variable::Variable;
    use candle_core::{Device, Var};

    #[test]
    fn each_step_has_its_own_vector() {
        let specs = Positions.parameters(&[2, 3]);
        assert_eq!(specs[0].shape, [2, 3]);
        let learned = [Variable {
            name: "weight".into(),
            var: Var::new(&[[1f32, 2.0, 3.0], [10.0, 20.0, 30.0]], &Device::Cpu).unwrap(),
        }];
        let vars = LayerVars {
            learned: &learned,
            ..Default::default()
        };
        let xs = Tensor::new(&[[[0.5f32; 3]; 2]], &Device::Cpu).unwrap();
        let mut context = ForwardContext {
            rng: None,
            state: &mut ForwardState::default(),
        };
        let ys = Positions.candle_forward(&xs, vars, &mut context).unwrap();
        let expected = [[[1.5, 2.5, 3.5], [10.5, 20.5, 30.5]]];
        assert_eq!(ys.to_vec3::<f32>().unwrap(), expected);
        assert!(Positions.output_shape(&[6]).is_err());
    }
}
