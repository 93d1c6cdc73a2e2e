//! Flatten and Unflatten: layers that change only the shape.

use crate::error::Result;
use crate::layer::kind::{
    ForwardContext, LayerKind, LayerShapes, LayerVars, LowerContext, Lowered,
};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use candle_core::Tensor;

/// Flattens each image. PyTorch: `nn.Flatten()`.
pub(crate) struct Flatten;

impl LayerKind for Flatten {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        Ok(vec![input.iter().product()])
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
