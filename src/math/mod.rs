//! Arithmetic on slices. No layer, no model.

mod real;
mod rng;
mod matmul;
mod reduce;
mod convolution;
mod moments;

pub(crate) use convolution::{ConvGeometry, Correlation, Maps};
pub(crate) use matmul::{Matrix, multiply, transpose};
pub(crate) use moments::{Channels, EPS, MOMENTUM, Statistics, affine};
pub(crate) use real::{Once, Real, widest};
pub(crate) use reduce::{LANES, add_rows, multiply_each, products_about, sum_rows, total};
pub(crate) use rng::dropout_scale;
pub use rng::{Purpose, Rng};
