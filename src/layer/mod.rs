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

pub(crate) use cpu::{Activation, Arithmetic, Back, Given, Here, Kernel, Number, Pointwise, Room};
pub use kinds::Layer;
pub(crate) use kinds::{MOST_VALUES, Step, mirror, shapes, steps};
pub(crate) use misfit::{Misfit, shape};
pub(crate) use operation::{Context, Links, Own, Passed, Shapes, Staged};
pub use window::{Conv, ConvTranspose};
