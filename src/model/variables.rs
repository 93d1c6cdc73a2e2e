//! Variables of a layer: initial values, copies and counts.

use crate::error::Result;
use crate::layer::{FirstValues, Layer, LayerError, Node, Variable, VariableSpec, nodes, shapes};
use crate::math::Rng;
use crate::model::errors::layer_error;
use crate::model::init::Init;
use crate::model::weights::Weights;
use candle_core::{Device, Tensor, Var};

/// Maximum weights of one layer (16 GB). Larger counts are typing errors.
const MAX_WEIGHTS: u128 = 1 << 32;

/// First values of the variables of one list of layers, in order.
pub(crate) struct InitialVariables<'a> {
    list: &'static str,
    init: &'a Init,
    /// Variables whose values were drawn so far.
    drawn: usize,
}

impl<'a> InitialVariables<'a> {
    pub(crate) fn new(list: &'static str, init: &'a Init) -> Self {
        InitialVariables {
            list,
            init,
            drawn: 0,
        }
    }

    /// Creates parameters or buffers of the next layer.
    pub(crate) fn next(&mut self, node: &Node, specs: Vec<VariableSpec>) -> Result<Vec<Variable>> {
        let name = format!("{}.{}", self.list, node.name);
        let scheme = self.init.weights_of(&name);
        let mut weight = Vec::new();
        let mut variables = Vec::new();
        for spec in specs {
            if spec.first_values == FirstValues::Weight {
                weight.clone_from(&spec.shape);
            }
            let values = self.values(&spec, &scheme, &weight);
            variables.push(variable(spec, values, &self.init.device)?);
        }
        Ok(variables)
    }

    /// First values of a variable. `weight` is the shape of the last weight before it.
    fn values(&mut self, spec: &VariableSpec, scheme: &Weights, weight: &[usize]) -> Vec<f32> {
        let n = spec.len();
        match spec.first_values {
            FirstValues::Constant(value) => vec![value; n],
            FirstValues::Weight => scheme.weight(&spec.shape, &mut self.rng()),
            FirstValues::Bias => scheme.bias(n, weight, &mut self.rng()),
            FirstValues::Recurrent(gates) => scheme.recurrent(&spec.shape, gates, &mut self.rng()),
            FirstValues::ForgetGate => scheme.forget_gate(n, weight, &mut self.rng()),
            FirstValues::Normal(mean, deviation) => {
                let values = self.rng().normal(n, deviation as f32).into_iter();
                values.map(|value| value + mean as f32).collect()
            }
            FirstValues::Uniform(low, high) => {
                let mut rng = self.rng();
                let value = |_| (low + (high - low) * f64::from(rng.unit())) as f32;
                (0..n).map(value).collect()
            }
        }
    }

    /// Random numbers of the next variable that is drawn.
    fn rng(&mut self) -> Rng {
        // Counted without other layers: an added dropout changes no weights.
        self.drawn += 1;
        Rng::for_variable(self.init.seed, self.list, self.drawn - 1)
    }
}

fn variable(spec: VariableSpec, values: Vec<f32>, device: &Device) -> Result<Variable> {
    let VariableSpec { name, shape, .. } = spec;
    let var = Var::from_tensor(&Tensor::from_vec(values, shape, device)?)?;
    Ok(Variable { name, var })
}

/// Copies variables to a device. Candle's `clone` would share the storage, so that training the
/// copy would also train the original.
pub(crate) fn copy_variables(
    lists: &[Vec<Variable>],
    device: &Device,
) -> Result<Vec<Vec<Variable>>> {
    let copy = |Variable { name, var }: &Variable| {
        let tensor = if var.device().same_device(device) {
            var.as_tensor().copy()?
        } else {
            var.to_device(device)?
        };
        Ok(Variable {
            name: name.clone(),
            var: Var::from_tensor(&tensor)?,
        })
    };
    let lists = lists.iter().map(|list| list.iter().map(copy).collect());
    lists.collect()
}

/// Rejects a layer with more weights than any memory holds.
pub(crate) fn check_weight_count(list: &str, node: &Node, input: &[usize]) -> Result<()> {
    let count = weight_count(&node.layer, input);
    if count <= MAX_WEIGHTS {
        return Ok(());
    }
    let error = LayerError {
        expected: format!("at most {MAX_WEIGHTS} weights"),
        got: count.to_string(),
        hint: "Choose a smaller size".into(),
    };
    Err(layer_error(list, node, error))
}

/// Weights and buffers of a layer, without its biases.
fn weight_count(layer: &Layer, input: &[usize]) -> u128 {
    let kind = layer.kind();
    let specs = kind
        .parameters(input)
        .into_iter()
        .chain(kind.buffers(input));
    let weights = specs.filter(|spec| spec.first_values != FirstValues::Bias);
    weights
        .map(|spec| spec.shape.iter().map(|&d| d as u128).product::<u128>())
        .sum()
}

/// Weights of an encoder and a decoder, computed before anything is allocated. A list that does
/// not fit counts as 0: building the model reports it.
pub(crate) fn count_weights(encoder: &[Layer], decoder: &[Layer], input: &[usize]) -> u128 {
    let mut total = 0;
    let mut input = input.to_vec();
    for layers in [encoder, decoder] {
        let nodes = nodes(layers);
        let Ok(shapes) = shapes(&nodes, &input) else {
            continue;
        };
        let counts = nodes
            .iter()
            .zip(&shapes)
            .map(|(node, input)| weight_count(&node.layer, input));
        total += counts.sum::<u128>();
        input = shapes[nodes.len()].clone();
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_counted_without_biases() {
        let encoder = [Layer::Flatten, Layer::Linear(5)];
        let decoder = [Layer::Linear(12), Layer::Unflatten(1, 3, 4)];
        assert_eq!(count_weights(&encoder, &decoder, &[1, 3, 4]), 120);
        assert_eq!(count_weights(&[Layer::Linear(5)], &[], &[1, 3, 4]), 0);
    }

    #[test]
    fn copies_do_not_share_storage() {
        let init = Init::default();
        let node = &nodes(&[Layer::Linear(2)])[0];
        let variables = InitialVariables::new("list", &init)
            .next(node, node.layer.kind().parameters(&[3]))
            .unwrap();
        let copies = copy_variables(std::slice::from_ref(&variables), &Device::Cpu).unwrap();
        let (weight, copied) = (&variables[0].var, &copies[0][0].var);
        let before = copied.to_vec2::<f32>().unwrap();
        weight.set(&weight.zeros_like().unwrap()).unwrap();
        assert_eq!(copied.to_vec2::<f32>().unwrap(), before);
    }
}
