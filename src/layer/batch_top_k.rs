//! Codes of which only the largest values of the whole batch are kept.
//!
//! Images share the values: a complex one keeps more than k, a simple one fewer. A single image has no
//! batch to compare with, so evaluation keeps the values that reach a threshold, the running mean of
//! the smallest value that training kept. Bussmann, Leask and Nanda, "BatchTopK sparse autoencoders",
//! 2024.

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::ShapeResult;
use crate::layer::top_k::{TopK, host_values, largest, masked};
use crate::layer::variable::{FirstValues, LayerVars, Variable, VariableSpec};
use crate::math::{BATCH_NORM_MOMENTUM, Interval};
use candle_core::Tensor;

/// Keeps this number of values for each image on average.
pub(crate) struct BatchTopK(pub(crate) usize);

impl LayerKind for BatchTopK {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        TopK(self.0).output_shape(input)
    }

    fn buffers(&self, _input: &[usize]) -> Vec<VariableSpec> {
        let all = FirstValues::Constant(0.0);
        vec![VariableSpec::new("threshold", &[1], all)]
    }

    fn output_range(&self, input: Interval) -> Interval {
        input.with(0.0)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let [Variable { var: threshold, .. }] = vars.buffers else {
            return Ok(xs.clone());
        };
        if context.rng.is_none() {
            // NaN passes through.
            let threshold = threshold.as_tensor().to_dtype(xs.dtype())?;
            let dropped = xs.broadcast_lt(&threshold)?;
            return Ok(dropped.where_cond(&xs.zeros_like()?, xs)?);
        }
        // On the host, by the comparison of TopK.
        let (mask, smallest) = kept(&host_values(xs)?, self.0 * xs.dim(0)?);
        let before = threshold.as_tensor().detach();
        let moved = before.affine(
            1.0 - BATCH_NORM_MOMENTUM,
            BATCH_NORM_MOMENTUM * f64::from(smallest),
        )?;
        context.state.updates.push((threshold.clone(), moved));
        masked(xs, mask)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::WholeBatch
    }
}

/// 1 for the `count` largest values, else 0, and the smallest value that is kept.
fn kept(values: &[f32], count: usize) -> (Vec<f32>, f32) {
    let mut mask = vec![0.0; values.len()];
    let mut smallest = f32::INFINITY;
    for i in largest(values, count, &mut Vec::new()) {
        mask[i] = 1.0;
        smallest = smallest.min(values[i]);
    }
    (mask, smallest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use crate::math::{Purpose, Rng};
    use candle_core::{Device, Var};

    #[test]
    fn images_share_the_values_of_a_batch() {
        // import torch
        // x = torch.tensor([[.1, 3, -2, .5], [.2, .4, .3, -1]]); i = x.flatten().topk(4)
        // torch.zeros(8).scatter(0, i.indices, 1.), i.values.min() -> [0, 1, 0, 1, 0, 1, 1, 0], .3
        let values = [0.1, 3.0, -2.0, 0.5, 0.2, 0.4, 0.3, -1.0];
        let (mask, smallest) = kept(&values, 4);
        assert_eq!(mask, [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
        assert_eq!(smallest, 0.3);
    }

    #[test]
    fn training_moves_the_threshold_and_evaluation_uses_it() {
        let threshold = [Variable {
            name: "threshold".into(),
            var: Var::new(&[1f32], &Device::Cpu).unwrap(),
        }];
        let vars = LayerVars {
            learned: &[],
            buffers: &threshold,
            tied: None,
        };
        let xs = Tensor::new(&[[4f32, 1.0, 2.0], [3.0, 0.5, f32::NAN]], &Device::Cpu).unwrap();
        let forward = |xs: &Tensor, rng: Option<&mut Rng>| {
            let mut state = ForwardState::default();
            let mut context = ForwardContext {
                rng,
                state: &mut state,
            };
            let ys = BatchTopK(1).candle_forward(xs, vars, &mut context).unwrap();
            state.update_buffers().unwrap();
            ys.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let evaluated = forward(&xs, None);
        assert_eq!(evaluated[..5], [4.0, 1.0, 2.0, 3.0, 0.0]);
        assert!(evaluated[5].is_nan());
        let xs = Tensor::new(&[[4f32, 1.0, 2.0], [3.0, 0.5, 0.0]], &Device::Cpu).unwrap();
        let mut rng = Rng::new(0, Purpose::Dropout);
        assert_eq!(forward(&xs, Some(&mut rng)), [4.0, 0.0, 0.0, 3.0, 0.0, 0.0]);
        // 0.9 * 1 + 0.1 * 3
        assert_eq!(threshold[0].var.to_vec1::<f32>().unwrap(), [1.2]);
    }

    #[test]
    fn more_values_than_the_code_has_are_rejected() {
        assert_eq!(BatchTopK(3).output_shape(&[8]), Ok(vec![8]));
        for (k, input) in [(0, &[8][..]), (9, &[8]), (2, &[1, 4, 4])] {
            assert!(BatchTopK(k).output_shape(input).is_err());
        }
    }
}
