//! Inference: on the CPU by the plan of all layers, on other devices by candle.

use crate::data::floats;
use crate::error::Result;
use crate::layer::{ForwardState, LayerVars};
use crate::math::scale_and_shift;
use crate::model::sequential::Sequential;
use crate::model::variables::VarPair;
use crate::model::without_gradient::{drop_gradient, without_gradient};
use crate::plan::{Plan, StageParams};
use candle_core::{DType, Device, Tensor};

impl Sequential {
    /// Runs the layers in evaluation mode, without gradients.
    ///
    /// # Shapes
    /// (b, input shape) -> (b, output shape)
    pub(crate) fn infer(&self, xs: &Tensor) -> Result<Tensor> {
        match infer(self.plan(), &[self], xs)? {
            Some(ys) => Ok(ys),
            None => {
                let output = self.forward(xs, None, &mut ForwardState::default())?;
                drop_gradient(&output, self.first_variable())
            }
        }
    }
}

/// Runs the plan of all layers of `lists`, which follow one another. Returns `None` if weights or
/// images are not contiguous `f32` on the CPU.
///
/// # Shapes
/// (b, input shape) -> (b, output shape)
pub(crate) fn infer(plan: &Plan, lists: &[&Sequential], xs: &Tensor) -> Result<Option<Tensor>> {
    let (Device::Cpu, DType::F32, Some(last)) = (xs.device(), xs.dtype(), lists.last()) else {
        return Ok(None);
    };
    let xs = xs.contiguous()?;
    let vars = learned_vars(lists);
    let storages: Vec<_> = vars
        .iter()
        .flat_map(|vars| [&vars.learned.0, &vars.learned.1])
        .map(|var| var.storage_and_layout())
        .collect();
    let weights = storages
        .iter()
        .map(|(storage, layout)| floats(storage, layout))
        .collect::<Option<Vec<_>>>();
    let (storage, layout) = xs.storage_and_layout();
    let (Some(weights), Some(images)) = (weights, floats(&storage, layout)) else {
        return Ok(None);
    };
    let affines = batch_norm_affines(&vars, &weights)?;
    let ys = plan.infer(&stage_params(plan, &weights, &affines), images);
    let shape = [&[xs.dim(0)?], last.output_shape()].concat();
    Ok(Some(match vars.first() {
        Some(vars) => without_gradient(ys, &shape, &vars.learned.0)?,
        None => Tensor::from_vec(ys, shape, xs.device())?,
    }))
}

/// Variables of a layer that has parameters.
struct LearnedVars<'a> {
    learned: &'a VarPair,
    running: Option<&'a VarPair>,
}

fn learned_vars<'a>(lists: &[&'a Sequential]) -> Vec<LearnedVars<'a>> {
    let all = lists
        .iter()
        .flat_map(|&list| (0..list.nodes().len()).map(|i| list.vars(i)));
    all.filter_map(|LayerVars { learned, running }| {
        let learned = learned?;
        Some(LearnedVars { learned, running })
    })
    .collect()
}

/// Scale and shift of a batch normalization; `None` for other layers.
type Affine = Option<(Vec<f32>, Vec<f32>)>;

/// Affine form of each layer with parameters.
fn batch_norm_affines(vars: &[LearnedVars<'_>], weights: &[&[f32]]) -> Result<Vec<Affine>> {
    vars.iter()
        .zip(weights.chunks_exact(2))
        .map(|(vars, pair)| {
            let Some((mean, variance)) = vars.running else {
                return Ok(None);
            };
            let (mean, variance) = (mean.to_vec1::<f32>()?, variance.to_vec1::<f32>()?);
            Ok(Some(scale_and_shift(&mean, &variance, pair[0], pair[1])))
        })
        .collect()
}

/// Parameters of each stage, given weight and bias of each layer that has them.
fn stage_params<'a>(
    plan: &Plan,
    weights: &[&'a [f32]],
    affines: &'a [Affine],
) -> Vec<StageParams<'a, f32>> {
    let mut params = weights
        .chunks_exact(2)
        .zip(affines)
        .map(|(pair, affine)| match affine {
            Some((scale, shift)) => StageParams {
                weight: scale.as_slice(),
                bias: shift.as_slice(),
            },
            None => StageParams {
                weight: pair[0],
                bias: pair[1],
            },
        });
    plan.stages()
        .iter()
        .map(|stage| {
            if stage.has_weights() {
                params.next().unwrap_or_default()
            } else {
                StageParams::default()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Conv2d, Layer, MaxPool2d};
    use crate::model::init::Init;

    #[test]
    fn plan_and_candle_compute_the_same_output() {
        let layers = [
            Conv2d(4, 3).padding(1),
            Layer::BatchNorm,
            Layer::Relu,
            MaxPool2d(2),
            Layer::Flatten,
            Layer::Linear(5),
        ];
        let init = Init::default();
        let list = Sequential::new("list", &layers, &[2, 4, 6], &init).unwrap();
        for (name, var) in list.named_buffers() {
            let offset = if name.ends_with("mean") { 0.3 } else { 0.5 };
            var.set(&(var.as_tensor() + offset).unwrap()).unwrap();
        }
        let values: Vec<f32> = (0..3 * 48).map(|i| (0.37 * i as f32).sin()).collect();
        let xs = Tensor::from_vec(values, (3, 2, 4, 6), &Device::Cpu).unwrap();
        let planned = list.infer(&xs).unwrap();
        assert_eq!(planned.dims(), [3, 5]);
        let candle = list
            .forward(&xs, None, &mut ForwardState::default())
            .unwrap();
        let difference = (planned - candle).unwrap().abs().unwrap();
        let max = difference.max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(max < 1e-5, "{max}");
    }
}
