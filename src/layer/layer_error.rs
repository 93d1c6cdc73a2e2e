//! Errors of shape inference: why a layer rejects its input or its settings.

/// Output shape of a layer without the batch dimension, or the reason there is none.
pub(crate) type ShapeResult = Result<Vec<usize>, LayerError>;

/// Why a layer rejects its input or its settings. The caller adds the layer's name and position.
#[derive(Debug, PartialEq)]
pub(crate) struct LayerError {
    pub(crate) expected: String,
    pub(crate) got: String,
    /// The way to fix it.
    pub(crate) hint: String,
}

/// Returns a [`LayerError`].
pub(crate) fn reject<T>(
    expected: impl Into<String>,
    got: impl ToString,
    hint: impl Into<String>,
) -> Result<T, LayerError> {
    Err(LayerError {
        expected: expected.into(),
        got: got.to_string(),
        hint: hint.into(),
    })
}

/// Channels, height and width of an image layer's input.
///
/// # Errors
/// The input is not an image.
pub(crate) fn image_dims(input: &[usize]) -> Result<(usize, usize, usize), LayerError> {
    match *input {
        [c, h, w] => Ok((c, h, w)),
        _ => reject(
            "images of channels x height x width",
            shape(input),
            "Put Unflatten(channels, height, width) before it",
        ),
    }
}

/// Formats a shape without its batch dimension: "784 values", "3 x 32 x 32".
pub(crate) fn shape(dims: &[usize]) -> String {
    match dims {
        [n] => format!("{n} values"),
        dims => dims
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(" x "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_rejected_where_an_image_is_needed() {
        assert_eq!(image_dims(&[3, 8, 9]), Ok((3, 8, 9)));
        let error = image_dims(&[64]).unwrap_err();
        assert_eq!(error.got, "64 values");
    }

    #[test]
    fn shapes_print_as_products_and_feature_counts() {
        assert_eq!(shape(&[784]), "784 values");
        assert_eq!(shape(&[3, 32, 32]), "3 x 32 x 32");
    }
}
