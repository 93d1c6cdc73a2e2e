//! Masking of steps of a sequence: the model learns to predict what it does not see.
//!
//! In training, a share of each image's steps is replaced by a learned vector. He and others, "Masked
//! autoencoders are scalable vision learners", 2022; in this simple form Xie and others, "SimMIM", 2022.

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject};
use crate::layer::positions::DEVIATION;
use crate::layer::sequence::sequence_shape;
use crate::layer::variable::{FirstValues, LayerVars, VariableSpec};
use candle_core::Tensor;

/// Replaces this share of the steps.
pub(crate) struct MaskSteps(pub(crate) f64);

impl LayerKind for MaskSteps {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        sequence_shape(input)?;
        if !(0.0..1.0).contains(&self.0) {
            return reject("a share in [0, 1)", self.0, "0.75 is common");
        }
        Ok(input.to_vec())
    }

    fn parameters(&self, input: &[usize]) -> Vec<VariableSpec> {
        let values = FirstValues::Normal(0.0, DEVIATION);
        vec![VariableSpec::new("weight", &input[1..], values)]
    }

    fn rng_calls(&self, input: &[usize]) -> usize {
        input[0]
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let Some(rng) = &mut context.rng else {
            return Ok(xs.clone());
        };
        let (b, steps, _) = xs.dims3()?;
        let numbers = (0..b * steps).map(|_| rng.unit()).collect::<Vec<f32>>();
        let mask: Vec<u8> = numbers
            .chunks(steps.max(1))
            .flat_map(|numbers| masked(numbers, self.0))
            .collect();
        let mask = Tensor::from_vec(mask, (b, steps, 1), xs.device())?;
        let weight = vars.learned(0, xs.dtype())?.broadcast_as(xs.shape())?;
        let mask = mask.broadcast_as(xs.shape())?.contiguous()?;
        Ok(mask.where_cond(&weight.contiguous()?, &xs.contiguous()?)?)
    }

    fn joins_images(&self) -> bool {
        false
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::WholeBatch
    }
}

/// 1 for the steps of an image that are masked: those with the smallest numbers.
fn masked(numbers: &[f32], share: f64) -> Vec<u8> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    order.truncate((share * numbers.len() as f64).round() as usize);
    let mut mask = vec![0; numbers.len()];
    order.into_iter().for_each(|step| mask[step] = 1);
    mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use crate::layer::variable::Variable;
    use crate::math::{Purpose, Rng};
    use candle_core::{DType, Device, Var};

    #[test]
    fn a_share_of_each_images_steps_is_replaced() {
        assert_eq!(masked(&[0.5, 0.1, 0.9, 0.3], 0.5), [0, 1, 0, 1]);
        let learned = [Variable {
            name: "weight".into(),
            var: Var::new(&[7f32, 8.0], &Device::Cpu).unwrap(),
        }];
        let vars = LayerVars {
            learned: &learned,
            ..Default::default()
        };
        let xs = Tensor::ones((3, 8, 2), DType::F32, &Device::Cpu).unwrap();
        let mut rng = Rng::new(0, Purpose::Noise);
        let mut forward = |training: bool| {
            let mut context = ForwardContext {
                rng: training.then_some(&mut rng),
                state: &mut ForwardState::default(),
            };
            let ys = MaskSteps(0.75).candle_forward(&xs, vars, &mut context);
            ys.unwrap().to_vec3::<f32>().unwrap()
        };
        for image in forward(true) {
            assert_eq!(
                image.iter().filter(|step| step[..] == [7.0, 8.0]).count(),
                6
            );
            assert_eq!(
                image.iter().filter(|step| step[..] == [1.0, 1.0]).count(),
                2
            );
        }
        assert_eq!(forward(false), xs.to_vec3::<f32>().unwrap());
    }

    #[test]
    fn shares_outside_their_range_are_rejected() {
        for share in [-0.1, 1.0, f64::NAN] {
            assert!(MaskSteps(share).output_shape(&[4, 2]).is_err());
        }
    }
}
