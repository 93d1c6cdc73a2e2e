//! Images with NaN or infinite values, which make a loss NaN whatever the learning rate.

use crate::data::Split;
use crate::error::{Error, Result};
use candle_core::{IndexOp, Tensor};

/// Images that are searched at a time.
const CHUNK_IMAGES: usize = 500;

/// First of some images with a value that is not finite: its position and the value.
///
/// # Shapes
/// (b, c, h, w)
///
/// # Errors
/// Images that cannot be read.
pub(super) fn first_in(images: &Tensor) -> Result<Option<(usize, f32)>> {
    for i in 0..images.dim(0)? {
        let values: Vec<f32> = images.i(i)?.flatten_all()?.to_vec1()?;
        if let Some(value) = values.into_iter().find(|value| !value.is_finite()) {
            return Ok(Some((i, value)));
        }
    }
    Ok(None)
}

/// First image of a split with a value that is not finite: its position and the value.
///
/// # Errors
/// Images that cannot be read.
pub(super) fn first_of(split: &Split) -> Result<Option<(usize, f32)>> {
    let positions: Vec<usize> = (0..split.len()).collect();
    for chunk in positions.chunks(CHUNK_IMAGES) {
        if let Some((i, value)) = first_in(&split.images(chunk)?)? {
            return Ok(Some((chunk[i], value)));
        }
    }
    Ok(None)
}

/// Error about an image at this position of the data's training images. The model has the weights of
/// epoch `kept`.
pub(super) fn error(position: usize, value: f32, kept: usize) -> Error {
    let hint = format!(
        "A NaN in the data makes every loss NaN: remove the image or repair it. The weights are \
         those of the end of epoch {kept}"
    );
    Error::setting(
        format!("data.train, image {position}"),
        "finite values",
        value,
        hint,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_image_that_is_not_finite_is_found() {
        let values = vec![0.0, 1.0, 2.0, f32::INFINITY, f32::NAN, 0.0];
        let split = Split::from_vectors(values, 2, None).unwrap();
        assert_eq!(first_of(&split).unwrap(), Some((1, f32::INFINITY)));
        assert_eq!(first_of(&split.take(1)).unwrap(), None);
    }
}
