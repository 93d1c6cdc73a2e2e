//! Convolutions, transposed convolutions and their weight gradients, on one thread.
//!
//! The rows of an image are packed one after the other with a few zeros in between, so that each
//! channel is one long row. Each kernel weight then multiplies that row from an offset of its own,
//! in full vectors and without special cases at the borders. Strides use a polyphase decomposition:
//! each phase of rows and columns is packed as a plane of its own. Both sides lie on one [`lattice`], so
//! that forward pass and both gradients read the same packed values. Values between the row ends are
//! computed and dropped, which is 1 in 65 at 64 columns.

mod correlation;
mod forward;
mod geometry;
mod lattice;
mod gradient;
mod pack;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use correlation::Correlation;
pub(crate) use geometry::{ConvGeometry, FeatureShape, Images, ImagesMut};
