//! Variables of a layer: initial values, copies and counts.

use crate::error::Result;
use crate::layer::{Layer, LayerError, Node, ParameterShapes, nodes, shapes};
use crate::math::Rng;
use crate::model::errors::layer_error;
use crate::model::init::Init;
use candle_core::{DType, Device, Tensor, Var};

/// Maximum weights of one layer (16 GB). Larger counts are typing errors.
const MAX_WEIGHTS: u128 = 1 << 32;

/// Weight and bias, or running mean and variance.
pub(crate) type VarPair = (Var, Var);

/// Initial weights and biases of one list of layers, in order.
pub(crate) struct InitialVariables<'a> {
    list: &'static str,
    init: &'a Init,
    /// Layers whose weights were drawn so far.
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

    /// Creates weight and bias of the next layer, as [`LayerKind::parameter_shapes`] describes.
    ///
    /// [`LayerKind::parameter_shapes`]: crate::layer::LayerKind::parameter_shapes
    pub(crate) fn next(&mut self, node: &Node, input: &[usize]) -> Result<Option<VarPair>> {
        let Some(ParameterShapes { weight, bias }) = node.layer.kind().parameter_shapes(input)
        else {
            return Ok(None);
        };
        let device = &self.init.device;
        if weight == bias {
            let weight = Var::ones(weight, DType::F32, device)?;
            return Ok(Some((weight, Var::zeros(bias, DType::F32, device)?)));
        }
        let scheme = self
            .init
            .weights_of(&format!("{}.{}", self.list, node.name));
        // Counted without other layers: an added dropout changes no weights.
        let rng = |nth| Rng::for_variable(self.init.seed, self.list, nth);
        let weights = scheme.weight(&weight, &mut rng(2 * self.drawn));
        let n = bias.iter().product();
        let biases = scheme.bias(n, &weight, &mut rng(2 * self.drawn + 1));
        self.drawn += 1;
        let var = |values: Vec<f32>, shape: Vec<usize>| -> Result<Var> {
            Ok(Var::from_tensor(&Tensor::from_vec(values, shape, device)?)?)
        };
        Ok(Some((var(weights, weight)?, var(biases, bias)?)))
    }
}

/// Creates the running mean (0) and variance (1) of a layer that normalizes.
pub(crate) fn initial_running_stats(
    layer: &Layer,
    input: &[usize],
    device: &Device,
) -> Result<Option<VarPair>> {
    if !layer.kind().has_running_stats() {
        return Ok(None);
    }
    let mean = Var::zeros(input[0], DType::F32, device)?;
    Ok(Some((mean, Var::ones(input[0], DType::F32, device)?)))
}

/// Copies variables to a device. Candle's `clone` would share the storage, so that training the
/// copy would also train the original.
pub(crate) fn copy_pairs(
    pairs: &[Option<VarPair>],
    device: &Device,
) -> Result<Vec<Option<VarPair>>> {
    let copy = |var: &Var| -> Result<Var> {
        let tensor = if var.device().same_device(device) {
            var.as_tensor().copy()?
        } else {
            var.to_device(device)?
        };
        Ok(Var::from_tensor(&tensor)?)
    };
    pairs
        .iter()
        .map(|pair| {
            pair.as_ref()
                .map(|(a, b)| Ok((copy(a)?, copy(b)?)))
                .transpose()
        })
        .collect()
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

/// Weights of a layer, without its bias.
fn weight_count(layer: &Layer, input: &[usize]) -> u128 {
    layer.kind().parameter_shapes(input).map_or(0, |shapes| {
        shapes.weight.iter().map(|&d| d as u128).product()
    })
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
        let pair = InitialVariables::new("list", &init)
            .next(node, &[3])
            .unwrap();
        let copies = copy_pairs(std::slice::from_ref(&pair), &Device::Cpu).unwrap();
        let (weight, copied) = (&pair.unwrap().0, &copies[0].as_ref().unwrap().0);
        let before = copied.to_vec2::<f32>().unwrap();
        weight.set(&weight.zeros_like().unwrap()).unwrap();
        assert_eq!(copied.to_vec2::<f32>().unwrap(), before);
    }
}
