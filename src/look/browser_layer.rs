//! Decoder layers as JSON for the page of the explorer.

use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::loss::Loss;
use crate::model::Autoencoder;
use crate::show::base64;
use candle_core::{Device, Tensor};
use serde_json::{Value, json};

/// The decoder's layers as JSON, without those that only reshape.
///
/// # Errors
/// The decoder has a layer that the page cannot compute.
pub(crate) fn browser_layers(model: &Autoencoder) -> Result<Vec<Value>> {
    let decoder = model.decoder_net();
    let mut layers = Vec::new();
    for (i, node) in decoder.nodes().iter().enumerate() {
        let Some(mut value) = description(&node.layer, &decoder.shapes()[i])? else {
            continue;
        };
        if let Some((weight, bias)) = decoder.weight_and_bias(i) {
            value["weight"] = to_base64(weight)?.into();
            value["bias"] = to_base64(bias)?.into();
        }
        layers.push(value);
    }
    // Logits become images.
    if model.trained_loss() == Loss::BinaryCrossEntropyWithLogits {
        layers.push(json!({ "kind": "sigmoid" }));
    }
    Ok(layers)
}

/// Name and settings of a layer in the page's JavaScript, given the shape of its input, or `None` if it
/// does not change values.
fn description(layer: &Layer, input: &[usize]) -> Result<Option<Value>> {
    let named = |kind: &str| json!({ "kind": kind });
    Ok(Some(match *layer {
        Layer::Flatten | Layer::Unflatten(..) => return Ok(None),
        ref layer if layer.acts_in_training_only() => return Ok(None),
        Layer::Linear(_) => named("linear"),
        Layer::Relu => named("relu"),
        Layer::LeakyRelu(slope) => json!({ "kind": "leakyRelu", "slope": slope }),
        Layer::Elu(alpha) => json!({ "kind": "elu", "alpha": alpha }),
        Layer::Gelu => named("gelu"),
        Layer::Silu => named("silu"),
        Layer::Softplus => named("softplus"),
        Layer::Sigmoid => named("sigmoid"),
        Layer::Tanh => named("tanh"),
        Layer::Softmax => json!({ "kind": "softmax", "channels": input[0] }),
        Layer::LayerNorm => json!({ "kind": "norm", "groups": 1 }),
        Layer::GroupNorm(groups) => json!({ "kind": "norm", "groups": groups }),
        _ => {
            return Err(Error::setting(
                "explore",
                "a decoder of Linear, activations, LayerNorm and GroupNorm",
                layer,
                "Use traversal(), which works for every layer",
            ));
        }
    }))
}

/// Little-endian `f32` values in base64.
fn to_base64(tensor: &Tensor) -> Result<String> {
    let values = tensor.to_device(&Device::Cpu)?.flatten_all()?;
    let values = values.to_vec1::<f32>()?;
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Ok(base64(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_little_endian_floats_in_base64() {
        let one = Tensor::new(&[1f32], &Device::Cpu).unwrap();
        assert_eq!(to_base64(&one).unwrap(), "AACAPw==");
    }
}
