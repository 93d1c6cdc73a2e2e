//! Plans: a list of layers as stages of CPU ops, for inference and for training.
//!
//! Uses `layer`, `loss` and `math`; knows no model.
//! Offers [`Plan`] (lowering and inference) and [`Shard`], one thread's images of a training batch
//! with their forward and backward pass.

mod stage;
mod identity;
#[allow(clippy::module_inception)] // One noun, one file.
mod plan;
mod infer;
mod whole_batch;
mod segments;
mod shard;
mod dense_gradients;
mod autograd_op;
mod autograd_activation;

pub(crate) use autograd_activation::activate;
pub(crate) use autograd_op::{OpCall, POOL_STAGE};
pub(crate) use dense_gradients::weight_gradients;
pub(crate) use infer::StageParams;
pub(crate) use plan::{MIN_PARALLEL_FLOPS, Plan};
pub(crate) use segments::segments;
pub(crate) use shard::{Shard, StepContext, summed_gradients};
pub(crate) use stage::Stage;
pub(crate) use whole_batch::{BatchInputs, BatchPass, OutputGradients, WholeBatchOp};
