//! A layer's forward pass by candle on a rank's part of a batch.

use crate::error::Result;
use crate::layer::batch_rows::BatchRows;
use crate::layer::kind::{ForwardState, LayerKind, LayerShapes, LowerContext, Lowered};
use candle_core::Tensor;

impl BatchRows {
    /// Runs a layer that joins images on those of all ranks, and returns the output of the rank's own.
    ///
    /// # Errors
    /// A rank that is gone; those of the layer.
    pub(crate) fn join(
        self,
        xs: &Tensor,
        state: &mut ForwardState,
        layer: impl FnOnce(&Tensor, &mut ForwardState) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let terms = state.terms.len();
        let all = self.gather(xs)?;
        // The layer sees an ordinary batch, which every rank computes.
        let outer = (state.rows.take(), state.second_code.take());
        let ys = layer(&all, state)?;
        let own = |values: Tensor| -> Result<Tensor> {
            let rows = values.dim(0)?.min(self.count);
            Ok(match values.dim(0)? == self.total {
                true => values.narrow(0, self.first, rows)?,
                false => values,
            })
        };
        state.rows = outer.0;
        state.second_code = state.second_code.take().or(outer.1).map(own).transpose()?;
        self.scale_terms(state, terms, 1.0 / self.world.size() as f64)?;
        own(ys)
    }

    /// Makes the terms from this one on the rank's part of the sum over all ranks.
    pub(crate) fn scale_terms(
        &self,
        state: &mut ForwardState,
        first: usize,
        factor: f64,
    ) -> Result<()> {
        for term in &mut state.terms[first..] {
            term.mean = (&term.mean * factor)?;
        }
        Ok(())
    }
}

/// True if the output of an image depends on the other images of the batch.
pub(crate) fn joins_images(kind: &dyn LayerKind, shapes: LayerShapes<'_>) -> bool {
    let lowered = kind.lower(shapes, &mut LowerContext::default());
    matches!(lowered, Lowered::WholeBatch) && kind.joins_images()
}

/// Random numbers that a layer draws for an image in training.
pub(crate) fn rng_calls(kind: &dyn LayerKind, shapes: LayerShapes<'_>) -> usize {
    match kind.lower(shapes, &mut LowerContext::default()) {
        Lowered::Dropout(_) => shapes.after.iter().product(),
        Lowered::CpuOp(op) => op.rng_calls(),
        Lowered::WholeBatch | Lowered::Unplanned => kind.rng_calls(shapes.before),
        Lowered::Nothing | Lowered::Activation(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Layer;

    fn of(layer: &Layer, shapes: [&[usize]; 2]) -> (bool, usize) {
        let shapes = LayerShapes {
            before: shapes[0],
            after: shapes[1],
        };
        let kind = layer.kind();
        (joins_images(&*kind, shapes), rng_calls(&*kind, shapes))
    }

    #[test]
    fn layers_tell_whether_they_join_images_and_what_they_draw() {
        assert_eq!(of(&Layer::Dropout(0.5), [&[6], &[6]]), (false, 6));
        assert_eq!(of(&Layer::GaussianNoise(0.1), [&[3], &[3]]), (false, 6));
        assert!(of(&Layer::Mmd(1.0), [&[3], &[3]]).0);
        assert_eq!(of(&Layer::Attention(1), [&[2, 3], &[2, 3]]), (false, 0));
        assert_eq!(of(&Layer::Linear(2), [&[3], &[2]]), (false, 0));
    }
}
