//! The decoder of a code with an auxiliary loss.

use crate::data::ImageShape;
use crate::error::Result;
use crate::layer::{Layer, LayerError};
use crate::model::errors::layer_error;
use crate::model::sequential::Sequential;

/// Rejects an encoder with an auxiliary loss whose decoder does not add it: only one dense layer with
/// columns of norm 1 does.
pub(crate) fn check_second_code(
    (c, h, w): ImageShape,
    encoder: &Sequential,
    decoder: &Sequential,
) -> Result<()> {
    let is_aux = |layer: &Layer| matches!(layer, Layer::AuxK(_));
    let misplaced = decoder.nodes().iter().find(|node| is_aux(&node.layer));
    if let Some(node) = misplaced {
        let hint = "The auxiliary loss belongs to the code: put the layer last in the encoder";
        return Err(layer_error(
            "decoder",
            node,
            rejected("no such layer", node.layer.to_string(), hint),
        ));
    }
    let mut nodes = encoder.nodes().iter();
    let Some(node) = nodes.find(|node| is_aux(&node.layer)) else {
        return Ok(());
    };
    if nodes.next().is_some() {
        let hint = "The auxiliary loss is for the code";
        let error = rejected(
            "the last layer of the encoder",
            "layers behind it".into(),
            hint,
        );
        return Err(layer_error("encoder", node, error));
    }
    let values = c * h * w;
    let expected = [Layer::UnitNormLinear(values), Layer::Unflatten(c, h, w)];
    if decoder.layers() == expected {
        return Ok(());
    }
    let hint = "Pass this decoder to Autoencoder::new, or build SparseAutoencoder";
    let expected = format!("the decoder [{}, {}]", expected[0], expected[1]);
    let got: Vec<String> = decoder.layers().iter().map(Layer::to_string).collect();
    let error = rejected(&expected, format!("[{}]", got.join(", ")), hint);
    Err(layer_error("encoder", node, error))
}

fn rejected(expected: &str, got: String, hint: &str) -> LayerError {
    LayerError {
        expected: expected.into(),
        got,
        hint: hint.into(),
    }
}

#[cfg(test)]
mod tests {
    use crate::layer::Layer::{Flatten, Linear, Relu, Sigmoid, TopK, Unflatten};
    use crate::model::Autoencoder;

    #[test]
    fn the_decoder_is_a_dense_layer_of_directions() {
        let encoder = [Flatten, Linear(20), Relu, TopK(3).auxiliary(4)];
        let error = |decoder: &[_]| {
            let model = Autoencoder::new((1, 2, 2), &encoder, decoder);
            model.map(|_| ()).map_err(|error| error.to_string())
        };
        let image = Unflatten(1, 2, 2);
        assert_eq!(error(&[Linear(4).unit_norm(), image.clone()]), Ok(()));
        let message = error(&[Linear(4), Sigmoid, image.clone()]).unwrap_err();
        assert!(
            message.starts_with(
                "encoder layer 3, TopK(3).auxiliary(4): expected the decoder \
                 [Linear(4).unit_norm(), Unflatten(1, 2, 2)], got [Linear(4), Sigmoid, "
            ),
            "{message}"
        );
        let twice = [TopK(5).auxiliary(1), Linear(4).unit_norm(), image];
        let message = error(&twice).unwrap_err();
        assert!(message.starts_with("decoder layer 0, TopK(5)"), "{message}");
    }
}
