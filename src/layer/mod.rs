//! Layers: settings, shapes, the candle forward pass and the CPU op of each kind. No model, no optimizer.

mod kinds;
mod operation;
mod misfit;
mod cpu;
mod window;
mod conv;
mod linear;
mod pool;
mod average;
mod norm;
mod activation;
mod dropout;
mod reshape;
mod residual;

pub(crate) use cpu::{
    Activation, Arithmetic, BackwardArgs, CpuOp, ForwardArgs, Number, OpShape, Pointwise, Workspace,
};
pub use kinds::Layer;
pub(crate) use kinds::{MOST_VALUES, Node, mirror, nodes, shapes};
pub(crate) use misfit::{Misfit, shape};
pub(crate) use operation::{
    ForwardContext, ForwardState, LayerShapes, LayerVars, LowerContext, Lowered,
};
pub use window::{Conv, ConvTranspose};
