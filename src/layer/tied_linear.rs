//! Dense layers with the transposed weights of a layer of the encoder: y = x W + b.
//!
//! Both layers train the same weights. Vincent and others, "Extracting and composing robust features
//! with denoising autoencoders", 2008. PyTorch: `F.linear(x, encoder[i].weight.t(), bias)`.

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::variable::{FirstValues, LayerVars, VariableSpec};
use candle_core::Tensor;

/// Dense layer with this many outputs, whose weights are those of the encoder.
pub(crate) struct TiedLinear(pub(crate) usize);

impl LayerKind for TiedLinear {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        match *input {
            [_] if self.0 > 0 => Ok(vec![self.0]),
            [_] => reject("at least one output", 0, "Write Linear(784).tied(1)"),
            _ => reject("flat features", shape(input), "Put Flatten before it"),
        }
    }

    fn parameters(&self, _input: &[usize]) -> Vec<VariableSpec> {
        let zeros = FirstValues::Constant(0.0);
        vec![VariableSpec::new("bias", &[self.0], zeros)]
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let Some(weight) = vars.tied else {
            unreachable!("the layer is created with the encoder's weights")
        };
        let weight = weight.to_dtype(xs.dtype())?; // (in, out)
        Ok(xs
            .matmul(&weight)?
            .broadcast_add(&vars.learned(0, xs.dtype())?)?)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::Unplanned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use crate::layer::variable::Variable;
    use candle_core::{Device, Var};

    #[test]
    fn features_are_multiplied_by_the_transposed_weights() {
        let weight = Var::new(&[[1f32, 2.0, 3.0], [4.0, 5.0, 6.0]], &Device::Cpu).unwrap();
        let learned = [Variable {
            name: "bias".into(),
            var: Var::new(&[0.5f32, 0.0, 0.0], &Device::Cpu).unwrap(),
        }];
        let vars = LayerVars {
            learned: &learned,
            buffers: &[],
            tied: Some(&weight),
        };
        let xs = Tensor::new(&[[1f32, 10.0]], &Device::Cpu).unwrap();
        let mut context = ForwardContext {
            rng: None,
            state: &mut ForwardState::default(),
        };
        let ys = TiedLinear(3).candle_forward(&xs, vars, &mut context);
        assert_eq!(ys.unwrap().to_vec2::<f32>().unwrap(), [[41.5, 52.0, 63.0]]);
        assert!(TiedLinear(0).output_shape(&[2]).is_err());
    }
}
