//! Errors of building a model.

use crate::data::ImageShape;
use crate::error::{Error, Result};
use crate::layer::{LayerError, MAX_VALUES, Node};

/// Adds the layer's list, position and name to an error of shape inference.
pub(crate) fn layer_error(list: &str, node: &Node, error: LayerError) -> Error {
    let LayerError {
        expected,
        got,
        hint,
    } = error;
    Error::Layer {
        place: format!("{list} layer {}, {}", node.name, node.layer),
        expected,
        got,
        hint,
    }
}

/// Rejects images without pixels, and images too large for any memory.
pub(crate) fn check_image_shape((c, h, w): ImageShape) -> Result<()> {
    let values = [c, h, w]
        .iter()
        .fold(1u128, |product, &side| product.saturating_mul(side as u128));
    if (1..=MAX_VALUES).contains(&values) {
        return Ok(());
    }
    Err(Error::shape(
        "Autoencoder",
        format!("images of 1 to {MAX_VALUES} values"),
        format!("({c}, {h}, {w})"),
        "Build it with data.image_shape()",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_without_pixels_and_giant_images_are_rejected() {
        assert!(check_image_shape((1, 28, 28)).is_ok());
        for shape in [(0, 28, 28), (usize::MAX, usize::MAX, usize::MAX)] {
            let error = check_image_shape(shape).unwrap_err().to_string();
            assert!(
                error.starts_with("Autoencoder: expected images of 1 to 1073741824 values"),
                "{error}"
            );
        }
    }
}
