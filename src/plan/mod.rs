//! Plans: a list of layers on the CPU, forward and backward. No model.

mod plan;
mod stage;
mod shard;

pub(crate) use plan::{Plan, SMALL};
pub(crate) use shard::{Shard, StepContext, segments, summed_gradients, weight_gradients};
pub(crate) use stage::Stage;
