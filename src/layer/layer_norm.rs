//! Layer normalization: y = (x - mean) / sqrt(var + eps) * weight + bias, with the mean and variance of
//! all values of an image.
//!
//! Ba and others, "Layer normalization", 2016. PyTorch: `nn.LayerNorm(shape)`.

use crate::error::Result;
use crate::layer::group_norm::{NormOp, candle_norm, check_group};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::ShapeResult;
use crate::layer::variable::{LayerVars, VariableSpec};
use crate::math::ChannelShape;
use candle_core::Tensor;
use std::sync::Arc;

/// Normalization of all values of an image, or of all features.
pub(crate) struct LayerNorm;

impl LayerKind for LayerNorm {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        check_group(normalized(input), 1)?;
        Ok(input.to_vec())
    }

    fn parameters(&self, input: &[usize]) -> Vec<VariableSpec> {
        VariableSpec::scale_and_shift(normalized(input))
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        if let [b, steps, features] = *xs.dims() {
            let rows = xs.reshape((b * steps, features))?;
            return Ok(candle_norm(&rows, vars, 1)?.reshape(xs.shape())?);
        }
        candle_norm(xs, vars, 1)
    }

    fn joins_images(&self) -> bool {
        false
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        if let [_, _] = shapes.before {
            return Lowered::WholeBatch;
        }
        Lowered::CpuOp(Arc::new(NormOp {
            groups: 1,
            scaled: ChannelShape {
                channels: shapes.before.iter().product(),
                spatial: 1,
            },
        }))
    }
}

/// Values that are normalized together: those of a step of a sequence, or all.
fn normalized(input: &[usize]) -> &[usize] {
    match input {
        [_, features @ ..] if input.len() == 2 => features,
        _ => input,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_a_weight_as_in_pytorch() {
        // {k: v.shape for k, v in nn.LayerNorm((2, 3, 4)).state_dict().items()}
        for input in [&[2, 3, 4][..], &[7]] {
            let shapes = LayerNorm
                .parameters(input)
                .into_iter()
                .map(|spec| spec.shape);
            assert_eq!(shapes.collect::<Vec<_>>(), [input, input]);
        }
    }

    #[test]
    fn a_single_value_is_rejected() {
        assert_eq!(LayerNorm.output_shape(&[2]), Ok(vec![2]));
        let error = LayerNorm.output_shape(&[1]).unwrap_err();
        assert_eq!(error.expected, "at least 2 values to normalize together");
    }
}
