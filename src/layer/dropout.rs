//! Dropout (Srivastava and others, "Dropout", 2014), scaled in training, so that evaluation leaves values alone.

use crate::error::Result;
use crate::layer::misfit::{Fitted, misfit};
use crate::layer::operation::{
    ForwardContext, LayerKind, LayerShapes, LayerVars, LowerContext, Lowered,
};
use candle_core::Tensor;

/// Holds the probability to drop a value.
pub(crate) struct Dropout(pub(crate) f64);

impl LayerKind for Dropout {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        if !(0.0..1.0).contains(&self.0) {
            return misfit(
                "a probability in [0, 1)",
                self.0,
                "0 drops nothing; 0.2 drops a fifth",
            );
        }
        Ok(input.to_vec())
    }

    fn tensor(
        &self,
        xs: &Tensor,
        _own: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        match &mut context.draws {
            Some(draws) if self.0 > 0.0 => {
                let mask = draws.dropout_mask(xs.elem_count(), self.0 as f32);
                Ok(
                    (xs * Tensor::from_vec(mask, xs.shape(), xs.device())?
                        .to_dtype(xs.dtype())?)?,
                )
            }
            _ => Ok(xs.clone()),
        }
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _links: &mut LowerContext) -> Lowered {
        if self.0 > 0.0 {
            Lowered::Dropout(self.0)
        } else {
            Lowered::Nothing
        }
    }
}
