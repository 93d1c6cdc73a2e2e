//! Long skip connections by name: `Save` keeps what passes it, `Concat` joins it to what passes there.
//!
//! Ronneberger and others, "U-Net: convolutional networks for biomedical image segmentation", 2015.
//! PyTorch: `torch.cat([x, saved], 1)`.

use crate::error::{Error, Result};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::variable::LayerVars;
use crate::math::Interval;
use candle_core::Tensor;

/// Keeps its input under this name.
pub(crate) struct Save(pub(crate) String);

/// Joins the values that [`Save`] kept under this name, of this number of channels or features.
pub(crate) struct Concat(pub(crate) String, pub(crate) usize);

impl LayerKind for Save {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        Ok(input.to_vec())
    }

    fn output_range(&self, input: Interval) -> Interval {
        input
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let saved = (self.0.clone(), xs.clone());
        context.state.saved.push(saved);
        Ok(xs.clone())
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::Unplanned
    }
}

impl LayerKind for Concat {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        match *input {
            [n] => Ok(vec![n.saturating_add(self.1)]),
            [c, h, w] => Ok(vec![c.saturating_add(self.1), h, w]),
            _ => reject("features or images", shape(input), "Put Flatten before it"),
        }
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let Concat(name, _) = self;
        let saved = context.state.saved.iter().rev();
        let Some((_, saved)) = saved.into_iter().find(|(saved, _)| saved == name) else {
            return Err(Error::setting(
                format!("Concat({name:?})"),
                "what Save kept of the images",
                "a code without images",
                "Call reconstruct: the decoder alone cannot know them",
            ));
        };
        Ok(Tensor::cat(&[xs, saved], 1)?)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::Unplanned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use candle_core::Device;

    #[test]
    fn the_last_values_under_the_name_are_joined() {
        let mut state = ForwardState::default();
        let mut forward = |kind: &dyn LayerKind, values: [[f32; 2]; 1]| {
            let mut context = ForwardContext {
                rng: None,
                state: &mut state,
            };
            let xs = Tensor::new(&values, &Device::Cpu).unwrap();
            kind.candle_forward(&xs, LayerVars::default(), &mut context)
        };
        let (save, concat) = (Save("a".into()), Concat("a".into(), 2));
        let error = forward(&concat, [[0.0; 2]]).unwrap_err().to_string();
        assert!(
            error.starts_with("Concat(\"a\"): expected what Save kept"),
            "{error}"
        );
        forward(&save, [[1.0, 2.0]]).unwrap();
        forward(&save, [[3.0, 4.0]]).unwrap();
        let ys = forward(&concat, [[5.0, 6.0]]).unwrap();
        assert_eq!(ys.to_vec2::<f32>().unwrap(), [[5.0, 6.0, 3.0, 4.0]]);
        assert_eq!(concat.output_shape(&[3, 8, 8]), Ok(vec![5, 8, 8]));
    }
}
