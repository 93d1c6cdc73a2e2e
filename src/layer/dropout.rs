//! Inverted dropout: values are scaled by 1 / (1 - p) in training, so that evaluation needs no
//! scaling.
//!
//! Srivastava and others, "Dropout", 2014. PyTorch: `nn.Dropout(p)`.

use crate::error::Result;
use crate::layer::kind::{
    ForwardContext, LayerKind, LayerShapes, LayerVars, LowerContext, Lowered,
};
use crate::layer::layer_error::{ShapeResult, reject};
use candle_core::Tensor;

/// Dropout with this probability of setting a value to zero.
pub(crate) struct Dropout(pub(crate) f64);

impl LayerKind for Dropout {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if !(0.0..1.0).contains(&self.0) {
            return reject(
                "a probability in [0, 1)",
                self.0,
                "0 drops nothing; 0.2 drops a fifth of the values",
            );
        }
        Ok(input.to_vec())
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        match &mut context.rng {
            Some(rng) if self.0 > 0.0 => {
                let mask = rng.dropout_mask(xs.elem_count(), self.0 as f32);
                let mask = Tensor::from_vec(mask, xs.shape(), xs.device())?;
                Ok((xs * mask.to_dtype(xs.dtype())?)?)
            }
            _ => Ok(xs.clone()),
        }
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        if self.0 > 0.0 {
            Lowered::Dropout(self.0)
        } else {
            Lowered::Nothing
        }
    }
}
