//! Decoders of vectors.

use crate::data::{ImageShape, is_vector};
use crate::layer::{Layer, nodes, shapes};

/// Ends a decoder of vectors whose output is flat, (d), with the shape of a vector, (1, 1, d).
pub(crate) fn shaped_decoder(
    input: ImageShape,
    decoder: &[Layer],
    code_shape: &[usize],
) -> Vec<Layer> {
    let mut layers = decoder.to_vec();
    let output = shapes(&nodes(decoder), code_shape).map(|mut shapes| shapes.pop());
    if is_vector(input) && output.is_ok_and(|shape| shape == Some(vec![input.2])) {
        layers.push(Layer::Unflatten(1, 1, input.2));
    }
    layers
}
