//! Errors of building a model.

use crate::data::ImageShape;
use crate::error::{Error, Result};
use crate::layer::{LayerError, MAX_VALUES, Node, shape};

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

/// Rejects a decoder of `layers` layers whose output is not an image of the input's shape.
pub(crate) fn check_output(input: ImageShape, layers: usize, output: &[usize]) -> Result<()> {
    let (c, h, w) = input;
    if output == [c, h, w] {
        return Ok(());
    }
    let dense = format!("Linear({}), Sigmoid, Unflatten({c}, {h}, {w})", c * h * w);
    let hint = match *output {
        [_, height, width] if (height, width) == (h, w) => {
            format!("End it with {c} output channels, such as Conv2d({c}, 3).padding(1)")
        }
        [_, _, _] => format!(
            "Change its strides, padding or output_padding_hw, or end it with Flatten, {dense}"
        ),
        _ => format!("End it with {dense}"),
    };
    Err(Error::Layer {
        place: format!("decoder, after its {layers} layers"),
        expected: format!("images of {c} x {h} x {w}"),
        got: shape(output),
        hint,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_fits_the_output_of_the_decoder() {
        let error = |output: &[usize]| {
            let error = check_output((1, 4, 6), 3, output).unwrap_err();
            error.to_string()
        };
        assert!(check_output((1, 4, 6), 3, &[1, 4, 6]).is_ok());
        assert_eq!(
            error(&[8]),
            "decoder, after its 3 layers: expected images of 1 x 4 x 6, got 8 values. End it with \
             Linear(24), Sigmoid, Unflatten(1, 4, 6)"
        );
        assert_eq!(
            error(&[1, 4, 5]),
            "decoder, after its 3 layers: expected images of 1 x 4 x 6, got 1 x 4 x 5. Change its \
             strides, padding or output_padding_hw, or end it with Flatten, Linear(24), Sigmoid, \
             Unflatten(1, 4, 6)"
        );
        assert_eq!(
            error(&[8, 4, 6]),
            "decoder, after its 3 layers: expected images of 1 x 4 x 6, got 8 x 4 x 6. End it with \
             1 output channels, such as Conv2d(1, 3).padding(1)"
        );
    }

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
