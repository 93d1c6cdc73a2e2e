//! Forward pass of one node of a list of layers, on a batch or on a rank's part of it.

use crate::error::Result;
use crate::layer::{BatchRows, ForwardContext, ForwardState, LayerShapes, joins_images, rng_calls};
use crate::math::Rng;
use crate::model::sequential::Sequential;
use candle_core::Tensor;

impl Sequential {
    /// Runs one node.
    pub(crate) fn forward_node(
        &self,
        i: usize,
        xs: &Tensor,
        rng: Option<&mut Rng>,
        state: &mut ForwardState,
    ) -> Result<Tensor> {
        for _ in self
            .nodes()
            .iter()
            .filter(|node| node.skip_source == Some(i))
        {
            state.skip_inputs.push(xs.clone());
        }
        match (state.rows.clone(), rng) {
            (Some(rows), Some(rng)) => self.forward_rows(i, xs, rng, state, rows),
            (_, rng) => {
                let kind = self.nodes()[i].layer.kind();
                kind.candle_forward(xs, self.vars(i), &mut ForwardContext { rng, state })
            }
        }
    }

    /// Runs one node in training on a rank's images, with their random numbers.
    fn forward_rows(
        &self,
        i: usize,
        xs: &Tensor,
        rng: &mut Rng,
        state: &mut ForwardState,
        rows: BatchRows,
    ) -> Result<Tensor> {
        let kind = self.nodes()[i].layer.kind();
        let shapes = LayerShapes {
            before: &self.shapes()[i],
            after: &self.shapes()[i + 1],
        };
        if joins_images(&*kind, shapes) {
            return rows.join(xs, state, |xs, state| {
                let rng = Some(rng);
                kind.candle_forward(xs, self.vars(i), &mut ForwardContext { rng, state })
            });
        }
        let (calls, terms) = (rng_calls(&*kind, shapes) as u64, state.terms.len());
        let skipped = |rng: &Rng, images: usize| rng.skipped(calls * images as u64);
        *rng = skipped(rng, rows.first);
        let mut context = ForwardContext {
            rng: Some(&mut *rng),
            state: &mut *state,
        };
        let ys = kind.candle_forward(xs, self.vars(i), &mut context)?;
        *rng = skipped(rng, rows.total - rows.first - rows.count);
        rows.scale_terms(state, terms, rows.share())?;
        Ok(ys)
    }
}
