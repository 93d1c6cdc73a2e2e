//! Variables of a layer: initial values, copies and counts.

use crate::error::Result;
use crate::layer::{Layer, LayerError, Node, ParameterShapes, nodes, shapes};
use crate::math::Rng;
use crate::model::errors::layer_error;
use candle_core::{DType, Device, Tensor, Var};

/// Maximum weights of one layer (16 GB). Larger counts are typing errors.
const MAX_WEIGHTS: u128 = 1 << 32;

/// Weight and bias, or running mean and variance.
pub(crate) type VarPair = (Var, Var);

/// Creates weight and bias of a layer, as [`LayerKind::parameter_shapes`] describes.
///
/// [`LayerKind::parameter_shapes`]: crate::layer::LayerKind::parameter_shapes
pub(crate) fn initial_variables(
    layer: &Layer,
    input: &[usize],
    rng: &mut Rng,
    device: &Device,
) -> Result<Option<VarPair>> {
    let Some(ParameterShapes { weight, bias }) = layer.kind().parameter_shapes(input) else {
        return Ok(None);
    };
    if weight == bias {
        let weight = Var::ones(weight, DType::F32, device)?;
        return Ok(Some((weight, Var::zeros(bias, DType::F32, device)?)));
    }
    let fan_in = weight[1..].iter().product::<usize>();
    let bound = 1.0 / (fan_in as f32).sqrt();
    let mut uniform = |shape: Vec<usize>| -> Result<Var> {
        let values = rng.uniform(shape.iter().product(), -bound, bound);
        Ok(Var::from_tensor(&Tensor::from_vec(values, shape, device)?)?)
    };
    Ok(Some((uniform(weight)?, uniform(bias)?)))
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
    use crate::math::Purpose;

    #[test]
    fn weights_are_counted_without_biases() {
        let encoder = [Layer::Flatten, Layer::Linear(5)];
        let decoder = [Layer::Linear(12), Layer::Unflatten(1, 3, 4)];
        assert_eq!(count_weights(&encoder, &decoder, &[1, 3, 4]), 120);
        assert_eq!(count_weights(&[Layer::Linear(5)], &[], &[1, 3, 4]), 0);
    }

    #[test]
    fn copies_do_not_share_storage() {
        let mut rng = Rng::new(0, Purpose::Init);
        let pair = initial_variables(&Layer::Linear(2), &[3], &mut rng, &Device::Cpu).unwrap();
        let copies = copy_pairs(std::slice::from_ref(&pair), &Device::Cpu).unwrap();
        let (weight, copied) = (&pair.unwrap().0, &copies[0].as_ref().unwrap().0);
        let before = copied.to_vec2::<f32>().unwrap();
        weight.set(&weight.zeros_like().unwrap()).unwrap();
        assert_eq!(copied.to_vec2::<f32>().unwrap(), before);
    }
}
