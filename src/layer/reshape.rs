//! Layers that only change the shape: values stay where they are.

use crate::error::Result;
use crate::layer::misfit::{Fitted, misfit, shape};
use crate::layer::operation::{
    ForwardContext, LayerKind, LayerShapes, LayerVars, LowerContext, Lowered,
};
use candle_core::Tensor;

/// All values of a picture in one row.
pub(crate) struct Flatten;

impl LayerKind for Flatten {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        Ok(vec![input.iter().product()])
    }

    fn tensor(
        &self,
        xs: &Tensor,
        _own: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(xs.flatten_from(1)?) // (b, c, h, w) -> (b, c*h*w)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _links: &mut LowerContext) -> Lowered {
        Lowered::Nothing
    }
}

/// A row as a picture of so many channels, rows and columns.
pub(crate) struct Unflatten(pub(crate) usize, pub(crate) usize, pub(crate) usize);

impl LayerKind for Unflatten {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        let Unflatten(c, h, w) = *self;
        let wanted = c
            .checked_mul(h)
            .and_then(|values| values.checked_mul(w))
            .unwrap_or(usize::MAX);
        if *input != [wanted] {
            let expected = format!("{c} x {h} x {w} = {wanted} values in a row");
            return misfit(
                expected,
                shape(input),
                format!("Put Linear({wanted}) before it"),
            );
        }
        Ok(vec![c, h, w])
    }

    fn tensor(
        &self,
        xs: &Tensor,
        _own: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(xs.reshape((xs.dim(0)?, self.0, self.1, self.2))?) // (b, c*h*w) -> (b, c, h, w)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _links: &mut LowerContext) -> Lowered {
        Lowered::Nothing
    }
}
