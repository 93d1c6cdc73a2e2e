//! Views of a trained model.

mod look;
mod pca;
mod explore;
mod codec;

pub use codec::{Jpeg, jpeg, jpeg_within};
pub use explore::{Explorer, explore};
pub use look::Activations;
