//! State of an executor in a checkpoint.
//!
//! Per variable, there are tensors named `training.KIND.NAME`. The moments that the optimizer keeps
//! are `mean`, `square` and `third`. If the model in the file is an average, `weight` is the weight
//! itself, of buffers too. `gradient` is the sum of the gradients of an incomplete step.

use crate::export::NamedTensor;
use crate::model::Autoencoder;
use crate::optim::{MOMENTS, Moments, Optim};
use candle_core::Var;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Prefixes of the tensors that hold the moments.
const MOMENT_PREFIXES: [&str; MOMENTS] = ["training.mean.", "training.square.", "training.third."];
const WEIGHT_PREFIX: &str = "training.weight.";
const GRADIENT_PREFIX: &str = "training.gradient.";

/// Position of the layers' random stream, and the number of optimizer steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Positions {
    pub(crate) rng: u64,
    pub(crate) steps: i32,
}

/// Batches whose gradients wait for the next update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) batches: usize,
    pub(crate) images: usize,
}

impl Pending {
    pub(crate) fn is_none(&self) -> bool {
        self.batches == 0
    }

    /// Counts another batch.
    pub(crate) fn and(self, images: usize) -> Self {
        Pending {
            batches: self.batches + 1,
            images: self.images + images,
        }
    }
}

/// State of an executor, besides the weights in the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ExecutorState {
    pub(crate) positions: Positions,
    pub(crate) pending: Pending,
    /// One for each variable.
    pub(crate) moments: Vec<Moments>,
    /// Weights of each variable, then of each buffer; empty unless the model holds their average.
    pub(crate) weights: Vec<Vec<f32>>,
    /// Sums of the gradients of each variable; empty if no batch waits for the update.
    pub(crate) gradients: Vec<Vec<f32>>,
}

impl ExecutorState {
    /// The tensors of a checkpoint.
    pub(crate) fn tensors(&self, model: &Autoencoder, optim: Optim) -> Vec<NamedTensor> {
        let (variables, buffers) = (model.variables(), model.buffers());
        let mut tensors = Vec::new();
        for ((name, var), moments) in variables.iter().zip(&self.moments) {
            let moments = MOMENT_PREFIXES
                .iter()
                .zip(moments)
                .zip(optim.kept_moments());
            for ((prefix, values), _) in moments.filter(|(_, kept)| *kept) {
                tensors.push(named(prefix, name, var, values));
            }
        }
        for ((name, var), values) in variables.iter().chain(&buffers).zip(&self.weights) {
            tensors.push(named(WEIGHT_PREFIX, name, var, values));
        }
        for ((name, var), values) in variables.iter().zip(&self.gradients) {
            tensors.push(named(GRADIENT_PREFIX, name, var, values));
        }
        tensors
    }

    /// Reads the tensors of a checkpoint.
    ///
    /// # Errors
    /// A description of the tensor that is missing, or has another size.
    pub(crate) fn read(
        tensors: Vec<NamedTensor>,
        model: &Autoencoder,
        optim: Optim,
    ) -> Result<Self, String> {
        let all = tensors
            .into_iter()
            .map(|tensor| (tensor.name, tensor.values));
        let mut all: BTreeMap<String, Vec<f32>> = all.collect();
        let has = |prefix: &str| all.keys().any(|name| name.starts_with(prefix));
        let (has_weights, has_gradients) = (has(WEIGHT_PREFIX), has(GRADIENT_PREFIX));
        let mut take = |prefix: &str, (name, var): &(String, Var)| {
            let (name, n) = (format!("{prefix}{name}"), var.elem_count());
            let values = all.remove(&name).filter(|values| values.len() == n);
            values.ok_or_else(|| format!("no {name} of {n} values"))
        };
        let (variables, buffers) = (model.variables(), model.buffers());
        let mut state = ExecutorState::default();
        for variable in &variables {
            let mut moments = Moments::default();
            let kept = MOMENT_PREFIXES
                .iter()
                .zip(&mut moments)
                .zip(optim.kept_moments());
            for ((prefix, moment), _) in kept.filter(|(_, kept)| *kept) {
                *moment = take(prefix, variable)?;
            }
            state.moments.push(moments);
        }
        if has_weights {
            let both = variables.iter().chain(&buffers);
            let all = both.map(|variable| take(WEIGHT_PREFIX, variable));
            state.weights = all.collect::<Result<_, _>>()?;
        }
        if has_gradients {
            let all = variables
                .iter()
                .map(|variable| take(GRADIENT_PREFIX, variable));
            state.gradients = all.collect::<Result<_, _>>()?;
        }
        Ok(state)
    }
}

fn named(prefix: &str, name: &str, var: &Var, values: &[f32]) -> NamedTensor {
    NamedTensor {
        name: format!("{prefix}{name}"),
        shape: var.dims().to_vec(),
        values: values.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Layer::{BatchNorm, Flatten, Linear};

    fn state(model: &Autoencoder) -> ExecutorState {
        let sizes = |list: Vec<(String, Var)>| -> Vec<usize> {
            list.iter().map(|(_, var)| var.elem_count()).collect()
        };
        let (variables, buffers) = (sizes(model.variables()), sizes(model.buffers()));
        let filled = |sizes: &[usize], value: f32| -> Vec<Vec<f32>> {
            sizes.iter().map(|&n| vec![value; n]).collect()
        };
        ExecutorState {
            moments: variables
                .iter()
                .map(|&n| [vec![1.0; n], vec![2.0; n], vec![]])
                .collect(),
            weights: filled(&[variables.clone(), buffers].concat(), 3.0),
            gradients: filled(&variables, 4.0),
            ..Default::default()
        }
    }

    #[test]
    fn written_tensors_are_read_back() {
        let encoder = [Flatten, Linear(3), BatchNorm];
        let model = Autoencoder::symmetric((1, 2, 2), &encoder).unwrap();
        let whole = state(&model);
        let without = ExecutorState {
            weights: Vec::new(),
            gradients: Vec::new(),
            ..whole.clone()
        };
        for state in [whole, without] {
            let tensors = state.tensors(&model, Optim::adam());
            let read = ExecutorState::read(tensors, &model, Optim::adam()).unwrap();
            assert_eq!(read, state);
        }
    }

    #[test]
    fn a_missing_tensor_is_named() {
        let model = Autoencoder::symmetric((1, 2, 2), &[Flatten, Linear(3)]).unwrap();
        for (name, expected) in [
            (
                "training.square.encoder.1.bias",
                "no training.square.encoder.1.bias of 3 values",
            ),
            (
                "training.weight.decoder.0.weight",
                "no training.weight.decoder.0.weight of 12 values",
            ),
        ] {
            let mut tensors = state(&model).tensors(&model, Optim::adam());
            tensors.retain(|tensor| tensor.name != name);
            let error = ExecutorState::read(tensors, &model, Optim::adam()).unwrap_err();
            assert_eq!(error, expected);
        }
    }
}
