//! Values of a model's variables and buffers, read for the planned step and written back.

use crate::error::Result;
use crate::layer::{Number, Variable};
use crate::math::BatchStats;
use crate::model::Autoencoder;
use crate::plan::{Plan, Stage};
use candle_core::{Tensor, Var};

/// Values of a model's weights and biases, `n` in total.
pub(crate) fn parameters<T: Number>(model: &Autoencoder, n: usize) -> Result<Vec<T>> {
    let mut parameters = Vec::with_capacity(n);
    for (_, variable) in model.variables() {
        parameters.extend(values::<T>(&variable)?);
    }
    Ok(parameters)
}

/// BatchStats of each stage, with the model's running ones if the stage is a normalization.
pub(crate) fn norms<T: Number>(model: &Autoencoder, plan: &Plan) -> Result<Vec<BatchStats<T>>> {
    let of = |(stage, buffers): (&Stage, Vec<Variable>)| match buffers.as_slice() {
        [mean, variance] if stage.op.channels().is_some() => {
            Ok(BatchStats::new(values(&mean.var)?, values(&variance.var)?))
        }
        _ => Ok(BatchStats::default()),
    };
    let buffers = stage_buffers(model, plan);
    plan.stages().iter().zip(buffers).map(of).collect()
}

/// Copies of the buffers of each stage that looks at the whole batch.
pub(crate) fn buffers(model: &Autoencoder, plan: &Plan) -> Result<Vec<Vec<Variable>>> {
    let of = |(stage, buffers): (&Stage, Vec<Variable>)| {
        if stage.whole_batch().is_none() {
            return Ok(Vec::new());
        }
        let copy = |Variable { name, var }: Variable| {
            let var = Var::from_tensor(&var.as_tensor().copy()?)?;
            Ok(Variable { name, var })
        };
        buffers.into_iter().map(copy).collect()
    };
    let buffers = stage_buffers(model, plan);
    plan.stages().iter().zip(buffers).map(of).collect()
}

/// The model's buffers, by stage.
fn stage_buffers(model: &Autoencoder, plan: &Plan) -> Vec<Vec<Variable>> {
    let nets = [model.encoder_net(), model.decoder_net()];
    let mut lists = nets.into_iter().flat_map(|net| net.buffers_by_layer());
    let of = |stage: &Stage| match stage.has_buffers() {
        true => lists.next().unwrap_or_default(),
        false => Vec::new(),
    };
    plan.stages().iter().map(of).collect()
}

fn values<T: Number>(variable: &Var) -> Result<Vec<T>> {
    Ok(variable.flatten_all()?.to_dtype(T::DTYPE)?.to_vec1()?)
}

/// Writes consecutive values into variables.
pub(crate) fn store_values(mut values: &[f32], variables: &[(String, Var)]) -> Result<()> {
    for (_, variable) in variables {
        let (head, rest) = values.split_at(variable.elem_count());
        let tensor = Tensor::from_slice(head, variable.shape(), variable.device())?;
        variable.set(&tensor.to_dtype(variable.dtype())?)?;
        values = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Layer::{BatchNorm, Flatten, Linear};

    #[test]
    fn stored_values_are_read_back() {
        let model = Autoencoder::symmetric((1, 2, 2), &[Flatten, Linear(3), BatchNorm]).unwrap();
        let n = model.plan().parameters();
        let values: Vec<f32> = (0..n).map(|i| i as f32).collect();
        store_values(&values, &model.variables()).unwrap();
        assert_eq!(parameters::<f32>(&model, n).unwrap(), values);
        let running: Vec<f32> = (1..=6).map(|i| i as f32).collect();
        store_values(&running, &model.buffers()[..2]).unwrap();
        let norms: Vec<BatchStats<f32>> = norms(&model, model.plan()).unwrap();
        let norm = norms.iter().find(|norm| !norm.running_mean.is_empty());
        let norm = norm.unwrap();
        assert_eq!(norm.running_mean, [1.0, 2.0, 3.0]);
        assert_eq!(norm.running_variance, [4.0, 5.0, 6.0]);
    }
}
