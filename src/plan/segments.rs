//! Segments: the stages that a shard runs without waiting for the others.
//!
//! Batch normalization needs statistics of the whole batch, and some layers the values of all
//! images, so all shards synchronize there.

use crate::plan::plan::Plan;
use std::ops::Range;

/// Splits a plan into segments. A batch normalization starts a segment, and a stage of the whole
/// batch is one. With `code_is_read`, a segment ends with the code.
pub(crate) fn segments(plan: &Plan, code_is_read: bool) -> Vec<Range<usize>> {
    let mut bounds = vec![0, plan.stages().len()];
    if code_is_read {
        bounds.push(plan.encoder_stages());
    }
    for (i, stage) in plan.stages().iter().enumerate() {
        if stage.op.channels().is_some() {
            bounds.push(i);
        }
        if stage.whole_batch().is_some() {
            bounds.extend([i, i + 1]);
        }
    }
    bounds.sort_unstable();
    bounds.dedup();
    if plan
        .stages()
        .first()
        .is_none_or(|first| first.op.channels().is_some())
    {
        // A segment without stages: shards read their images and measure them.
        bounds.insert(0, 0);
    }
    bounds.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Layer, nodes, shapes};

    #[test]
    fn segments_start_at_batch_normalizations() {
        let layers = [
            Layer::Linear(3),
            Layer::BatchNorm,
            Layer::Relu,
            Layer::Linear(2),
            Layer::BatchNorm,
        ];
        let nodes = nodes(&layers);
        let plan = Plan::new(&nodes, &shapes(&nodes, &[4]).unwrap());
        assert_eq!(segments(&plan, false), [0..1, 1..3, 3..4]);
    }
}
