//! Inverted dropout: values are scaled by 1 / (1 - p) in training, so that evaluation needs no
//! scaling.
//!
//! Srivastava and others, "Dropout", 2014. PyTorch: `nn.Dropout(p)`.

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject};
use crate::layer::variable::LayerVars;
use crate::math::Interval;
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

    fn output_range(&self, input: Interval) -> Interval {
        input.map(|x| x / (1.0 - self.0)).with(0.0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use crate::math::{Purpose, Rng};
    use candle_core::{DType, Device};

    #[test]
    fn dropout_scales_the_remaining_values_in_training_only() {
        let xs = Tensor::ones((10, 100), DType::F32, &Device::Cpu).unwrap();
        let vars = LayerVars::default();
        let mut rng = Rng::new(0, Purpose::Dropout);
        let forward = |rng| {
            let mut state = ForwardState::default();
            let mut context = ForwardContext {
                rng,
                state: &mut state,
            };
            let ys = Dropout(0.2)
                .candle_forward(&xs, vars, &mut context)
                .unwrap();
            ys.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let training = forward(Some(&mut rng));
        assert!(training.iter().all(|&y| y == 0.0 || y == 1.25));
        let dropped = training.iter().filter(|&&y| y == 0.0).count();
        assert!((150..250).contains(&dropped), "{dropped}");
        assert_eq!(forward(None), [1.0; 1000]);
    }

    #[test]
    fn certain_dropout_is_rejected() {
        assert!(Dropout(1.0).output_shape(&[4]).is_err());
        assert_eq!(Dropout(0.0).output_shape(&[4]), Ok(vec![4]));
    }
}
