//! Self-attention: each step of a sequence becomes a mean of all steps, weighted by how well its query
//! fits their keys.
//!
//! Vaswani and others, "Attention is all you need", 2017.
//! PyTorch: `nn.MultiheadAttention(n, heads, batch_first=True)` called with (x, x, x).

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject};
use crate::layer::sequence::sequence_shape;
use crate::layer::variable::{FirstValues, LayerVars, VariableSpec};
use candle_core::{D, Tensor};

/// Attention with this number of heads.
pub(crate) struct Attention(pub(crate) usize);

impl LayerKind for Attention {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        let (_, features) = sequence_shape(input)?;
        if self.0 == 0 || features % self.0 != 0 {
            return reject(
                format!("a number of heads that divides {features} features"),
                self.0,
                "Choose Attention(4), and Linear with a multiple of 4 before it",
            );
        }
        Ok(input.to_vec())
    }

    fn parameters(&self, input: &[usize]) -> Vec<VariableSpec> {
        let n = input[1];
        let spec = VariableSpec::new;
        vec![
            spec("in_proj_weight", &[3 * n, n], FirstValues::Weight),
            spec("in_proj_bias", &[3 * n], FirstValues::Bias),
            spec("out_proj.weight", &[n, n], FirstValues::Weight),
            spec("out_proj.bias", &[n], FirstValues::Bias),
        ]
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let (b, steps, n) = xs.dims3()?;
        let width = n / self.0;
        let variable = |i| vars.learned(i, xs.dtype());
        let dense = |xs: &Tensor, i: usize| {
            let product = xs.reshape((b * steps, n))?.matmul(&variable(i)?.t()?)?;
            product.broadcast_add(&variable(i + 1)?)
        };
        // (b*steps, 3 n) -> (3, b, heads, steps, width)
        let all = dense(xs, 0)?.reshape(vec![b, steps, 3, self.0, width])?;
        let all = all.permute(vec![2, 0, 3, 1, 4])?;
        let of = |i: usize| all.get(i)?.contiguous();
        let (queries, keys, values) = (of(0)?, of(1)?, of(2)?);
        let fits = queries.matmul(&keys.t()?.contiguous()?)?; // (b, heads, steps, steps)
        let fits = (fits / (width as f64).sqrt())?;
        let weights = candle_nn::ops::softmax(&fits, D::Minus1)?;
        let means = weights.matmul(&values)?.transpose(1, 2)?; // (b, steps, heads, width)
        Ok(dense(&means.contiguous()?, 2)?.reshape((b, steps, n))?)
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
    use crate::layer::variable::cosines;
    use candle_core::Device;

    /// ```python
    /// layer = nn.MultiheadAttention(4, 2, batch_first=True)
    /// for k, p in enumerate(layer.parameters()):
    ///     p.data = torch.cos(0.9 * (torch.arange(p.numel()) + k)).reshape(p.shape)
    /// x = torch.sin(0.7 * torch.arange(24.)).reshape(2, 3, 4)
    /// layer(x, x, x)[0].flatten()[:8].tolist(); [name for name, _ in layer.named_parameters()]
    /// ```
    #[test]
    fn outputs_are_those_of_pytorch() {
        let learned = cosines(Attention(2).parameters(&[3, 4]));
        let vars = LayerVars {
            learned: &learned,
            ..Default::default()
        };
        let values: Vec<f32> = (0..24).map(|i| (0.7 * i as f32).sin()).collect();
        let xs = Tensor::from_vec(values, (2, 3, 4), &Device::Cpu).unwrap();
        let mut context = ForwardContext {
            rng: None,
            state: &mut ForwardState::default(),
        };
        let ys = Attention(2).candle_forward(&xs, vars, &mut context);
        let ys = ys.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let expected: [f32; 8] = [
            2.586594, -3.956389, 1.786039, 0.112969, -1.381172, -0.847511, 0.177977, -0.111827,
        ];
        for (y, expected) in ys.iter().zip(expected) {
            assert!((y - expected).abs() < 1e-5, "{ys:?}");
        }
    }

    #[test]
    fn heads_must_divide_the_features() {
        assert_eq!(Attention(2).output_shape(&[3, 4]), Ok(vec![3, 4]));
        for heads in [0, 3] {
            assert!(Attention(heads).output_shape(&[3, 4]).is_err());
        }
    }
}
