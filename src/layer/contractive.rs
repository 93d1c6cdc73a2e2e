//! A penalty on how much the code changes with the input: the squared Frobenius norm of the Jacobian of a
//! dense layer and its activation.
//!
//! For h = s(W x + b), it is Σ_j s'(a_j)² Σ_i W_ji², with s' from h: h (1 - h) for a sigmoid, 1 - h² for
//! tanh. Rifai and others, "Contractive auto-encoders", 2011.

use crate::error::Result;
use crate::layer::dense_output::DenseOutput;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject};
use crate::layer::term::{Term, TermUnit, TermValue, full_precision};
use crate::layer::variable::LayerVars;
use crate::math::Interval;
use candle_core::{D, Tensor};

/// Adds the norm times this weight to the loss.
pub(crate) struct Contractive(pub(crate) f64);

const TERM: Term = Term {
    name: "contraction",
    unit: TermUnit::Image,
};

impl LayerKind for Contractive {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if !(0.0..=1e6).contains(&self.0) {
            return reject("a weight in [0, 1000000]", self.0, "0.1 is common");
        }
        Ok(input.to_vec())
    }

    fn output_range(&self, input: Interval) -> Interval {
        input
    }

    fn term(&self) -> Option<Term> {
        Some(TERM)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let Some(DenseOutput { weight, slope }) = &context.state.dense else {
            unreachable!("the layer follows a dense one: see shapes")
        };
        let h = full_precision(xs)?;
        let slopes = slope.of(&h)?;
        // (units, inputs) -> (units)
        let norms = full_precision(weight)?.sqr()?.sum(D::Minus1)?;
        let sums = slopes.sqr()?.broadcast_mul(&norms)?.sum(D::Minus1)?;
        let mean = (sums.mean_all()? * self.0)?;
        context.state.terms.push(TermValue { term: TERM, mean });
        Ok(xs.clone())
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::Unplanned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::dense_output::OutputSlope;
    use crate::layer::kind::ForwardState;
    use candle_core::{DType, Device};

    /// ```python
    /// w = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]])
    /// x = torch.tensor([[0.3, -0.2, 0.9], [1.0, 0.5, -0.4]])
    /// for s in (torch.sigmoid, torch.tanh, torch.relu, lambda a: a):
    ///     j = torch.func.vmap(torch.func.jacrev(lambda x: s(w @ x)))(x)
    ///     print(0.5 * j.square().sum((1, 2)).mean().item())
    /// ```
    #[test]
    fn the_norm_is_that_of_pytorchs_jacobian() {
        let weight = [[0.5f64, -1.0, 2.0], [1.5, 0.25, -0.5]];
        let weight = Tensor::new(&weight, &Device::Cpu).unwrap();
        let x = Tensor::new(&[[0.3f64, -0.2, 0.9], [1.0, 0.5, -0.4]], &Device::Cpu).unwrap();
        let sums = x.matmul(&weight.t().unwrap()).unwrap();
        let sigmoid = (sums.neg().unwrap().exp().unwrap() + 1.0).unwrap();
        let outputs = [
            (OutputSlope::Sigmoid, sigmoid.recip().unwrap()),
            (OutputSlope::Tanh, sums.tanh().unwrap()),
            (OutputSlope::Relu, sums.relu().unwrap()),
            (OutputSlope::One, sums),
        ];
        for ((slope, h), expected) in outputs
            .iter()
            .zip([0.1206641, 1.0575557, 1.9531250, 3.9062500])
        {
            let mut state = ForwardState {
                dense: Some(DenseOutput {
                    weight: weight.clone(),
                    slope: *slope,
                }),
                ..Default::default()
            };
            let mut context = ForwardContext {
                rng: None,
                state: &mut state,
            };
            let vars = LayerVars::default();
            Contractive(0.5)
                .candle_forward(h, vars, &mut context)
                .unwrap();
            let mean = state.terms[0].mean.to_dtype(DType::F64).unwrap();
            let mean = mean.to_scalar::<f64>().unwrap();
            assert!((mean - expected).abs() < 1e-6, "{slope:?}: {mean}");
        }
    }
}
