//! Labels in an encoder.

use crate::error::Result;
use crate::layer::{Layer, LayerError, nodes};
use crate::model::errors::layer_error;

/// Splits off a [`Layer::Condition`] at the end of an encoder, which belongs to the front of its decoder.
pub(crate) fn split_condition(encoder: &[Layer]) -> (&[Layer], Option<Layer>) {
    match encoder.split_last() {
        Some((last @ Layer::Condition(_), encoder)) => (encoder, Some(last.clone())),
        _ => (encoder, None),
    }
}

/// Rejects labels in the encoder: codes are computed without them.
pub(crate) fn check_conditions(encoder: &[Layer]) -> Result<()> {
    let nodes = nodes(encoder);
    let Some(node) = nodes.iter().find(|node| node.layer.reads_labels()) else {
        return Ok(());
    };
    let error = LayerError {
        expected: "an encoder that needs no labels".into(),
        got: node.layer.to_string(),
        hint: "Put it first in the decoder, or last in the list of Autoencoder::symmetric".into(),
    };
    Err(layer_error("encoder", node, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_condition_at_the_end_is_split_off() {
        let layers = [Layer::Linear(2), Layer::Condition(3)];
        let (encoder, condition) = split_condition(&layers);
        assert_eq!(
            (encoder, condition),
            (&layers[..1], Some(Layer::Condition(3)))
        );
        assert_eq!(split_condition(&layers[..1]), (&layers[..1], None));
        assert!(check_conditions(&layers).is_err());
        assert!(check_conditions(encoder).is_ok());
    }
}
