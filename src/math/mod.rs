//! Arithmetic on slices: slices in, slices out.
//!
//! Uses the ground files only; knows no tensor, no layer and no model. It offers seeded random
//! numbers ([`Rng`], the only public part), matrix products and decompositions, convolutions, batch
//! statistics, and sums over rows.

mod elementary;
mod interval;
mod simd;
mod real;
mod rng;
mod matmul;
mod reduce;
mod convolution;
mod moments;
mod cholesky;
mod eigen;
mod qr;

pub(crate) use cholesky::Cholesky;
pub(crate) use convolution::{ConvGeometry, Correlation, FeatureShape, Images, ImagesMut};
pub(crate) use eigen::largest_eigenpairs;
pub(crate) use interval::Interval;
pub(crate) use matmul::{Matrix, matmul, transpose_add};
pub(crate) use moments::{
    BATCH_NORM_EPS, BATCH_NORM_MOMENTUM, BatchStats, ChannelShape, ShardSums, scale_and_shift,
};
pub(crate) use qr::orthonormal_columns;
pub(crate) use real::Real;
pub(crate) use reduce::{
    LANES, add_column_sums, add_to_rows, any, centered_dot, centered_sum_of_squares,
    column_squares, dot, mul_assign, sum, sum_of_squares,
};
pub use rng::{Purpose, Rng};
pub(crate) use rng::{RNG_CALLS_PER_NORMAL, dropout_scale};
pub(crate) use simd::{MoveOnly, widest};
