//! Inference: on the CPU by the plan of all layers, on other devices by candle.

use crate::data::floats;
use crate::error::Result;
use crate::layer::{ForwardState, LayerVars, Variable};
use crate::math::scale_and_shift;
use crate::model::sequential::{Sequential, forward_state};
use crate::model::without_gradient::{drop_gradient, without_gradient};
use crate::plan::{Plan, Stage, StageParams};
use candle_core::{DType, Device, Tensor};

impl Sequential {
    /// Runs the layers in evaluation mode, without gradients.
    ///
    /// # Shapes
    /// (b, input shape) -> (b, output shape)
    pub(crate) fn infer(&self, xs: &Tensor) -> Result<Tensor> {
        self.infer_labeled(xs, None)
    }

    /// [`Sequential::infer`], with the labels that a layer may read.
    pub(crate) fn infer_labeled(&self, xs: &Tensor, labels: Option<Tensor>) -> Result<Tensor> {
        if let Some(ys) = infer(self.plan(), &[self], xs)? {
            return Ok(ys);
        }
        let mut state = ForwardState {
            labels,
            ..forward_state(self.plan(), xs.device())
        };
        drop_gradient(&self.forward(xs, None, &mut state)?, self.first_variable())
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
    if plan.reads_labels() || plan.is_unplanned() {
        return Ok(None);
    }
    let xs = xs.contiguous()?;
    let vars: Vec<LayerVars<'_>> = lists
        .iter()
        .flat_map(|&list| (0..list.nodes().len()).map(|i| list.vars(i)))
        .filter(|vars| !(vars.learned.is_empty() && vars.buffers.is_empty()))
        .collect();
    let storages: Vec<_> = vars
        .iter()
        .flat_map(|vars| vars.learned)
        .map(|variable| variable.var.storage_and_layout())
        .collect();
    let values = storages
        .iter()
        .map(|(storage, layout)| floats(storage, layout))
        .collect::<Option<Vec<_>>>();
    let (storage, layout) = xs.storage_and_layout();
    let (Some(values), Some(images)) = (values, floats(&storage, layout)) else {
        return Ok(None);
    };
    let owned = owned_params(plan, &vars, &values)?;
    let ys = plan.infer(&stage_params(plan, &vars, &values, &owned), images);
    let shape = [&[xs.dim(0)?], last.output_shape()].concat();
    Ok(Some(
        match lists.iter().find_map(|list| list.first_variable()) {
            Some(variable) => without_gradient(ys, &shape, variable)?,
            None => Tensor::from_vec(ys, shape, xs.device())?,
        },
    ))
}

/// Stages with variables, in the order of the layers with variables.
fn stages_with_variables(plan: &Plan) -> impl Iterator<Item = &Stage> {
    let stages = plan.stages().iter();
    stages.filter(|stage| stage.has_weights() || stage.has_buffers())
}

/// Parameters that are computed or joined for inference.
type OwnedParams = Option<[Vec<f32>; 2]>;

/// Scale and shift of batch normalizations, and the variables of layers of the whole batch. `values`
/// are those of all learned variables.
fn owned_params(
    plan: &Plan,
    vars: &[LayerVars<'_>],
    mut values: &[&[f32]],
) -> Result<Vec<OwnedParams>> {
    let mut owned = Vec::with_capacity(vars.len());
    for (stage, vars) in stages_with_variables(plan).zip(vars) {
        let (learned, rest) = values.split_at(vars.learned.len());
        values = rest;
        let buffers = || -> Result<Vec<Vec<f32>>> {
            let values = |buffer: &Variable| Ok(buffer.var.flatten_all()?.to_vec1()?);
            vars.buffers.iter().map(values).collect()
        };
        owned.push(if stage.whole_batch().is_some() {
            Some([learned.concat(), buffers()?.concat()])
        } else if let ([weight, bias], [mean, variance]) = (learned, buffers()?.as_slice()) {
            let (scale, shift) = scale_and_shift(mean, variance, weight, bias);
            Some([scale, shift])
        } else {
            None
        });
    }
    Ok(owned)
}

/// Parameters of each stage.
fn stage_params<'a>(
    plan: &Plan,
    vars: &[LayerVars<'_>],
    values: &[&'a [f32]],
    owned: &'a [OwnedParams],
) -> Vec<StageParams<'a, f32>> {
    let mut owned = owned.iter().zip(vars);
    let mut values = values.iter();
    let params = |stage: &Stage| {
        if !stage.has_weights() && !stage.has_buffers() {
            return StageParams::default();
        }
        let Some((owned, vars)) = owned.next() else {
            return StageParams::default();
        };
        let mut learned = values.by_ref().take(vars.learned.len()).copied();
        let (weight, bias) = (learned.next(), learned.next());
        learned.for_each(drop);
        match owned {
            Some([weight, bias]) => StageParams { weight, bias },
            None => StageParams {
                weight: weight.unwrap_or_default(),
                bias: bias.unwrap_or_default(),
            },
        }
    };
    plan.stages().iter().map(params).collect()
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
