//! Flatten and Unflatten: layers that change only the shape.

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::variable::LayerVars;
use crate::math::Interval;
use candle_core::Tensor;

/// Flattens each image. PyTorch: `nn.Flatten()`.
pub(crate) struct Flatten;

impl LayerKind for Flatten {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        Ok(vec![input.iter().product()])
    }

    fn output_range(&self, input: Interval) -> Interval {
        input
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(xs.flatten_from(1)?) // (b, c, h, w) -> (b, c*h*w)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::Nothing
    }
}

/// Reshapes features to images of these channels, height and width. PyTorch: `nn.Unflatten`.
pub(crate) struct Unflatten(pub(crate) usize, pub(crate) usize, pub(crate) usize);

impl LayerKind for Unflatten {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        let Unflatten(c, h, w) = *self;
        let values = c
            .checked_mul(h)
            .and_then(|values| values.checked_mul(w))
            .unwrap_or(usize::MAX);
        if *input != [values] {
            return reject(
                format!("{c} x {h} x {w} = {values} flat features"),
                shape(input),
                format!("Put Linear({values}) before it"),
            );
        }
        Ok(vec![c, h, w])
    }

    fn output_range(&self, input: Interval) -> Interval {
        input
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(xs.reshape((xs.dim(0)?, self.0, self.1, self.2))?) // (b, c*h*w) -> (b, c, h, w)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unflatten_takes_exactly_the_values_of_its_image() {
        assert_eq!(Flatten.output_shape(&[2, 3, 4]), Ok(vec![24]));
        let unflatten = Unflatten(2, 3, 4);
        assert_eq!(unflatten.output_shape(&[24]), Ok(vec![2, 3, 4]));
        let error = unflatten.output_shape(&[20]).unwrap_err();
        assert_eq!(error.expected, "2 x 3 x 4 = 24 flat features");
        assert_eq!(error.hint, "Put Linear(24) before it");
        let overflow = Unflatten(usize::MAX, 2, 2);
        assert!(overflow.output_shape(&[24]).is_err());
    }
}
