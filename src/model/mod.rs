//! Models: the [`Autoencoder`] and architectures ready to build.
//!
//! Uses `data`, `layer`, `loss`, `math`, `plan` and `show`; knows no file format and no training
//! loop. Offers [`Autoencoder`] with [`Init`] and [`Weights`], and architectures with the
//! settings of papers, such as [`VariationalAutoencoder`] and [`StridedAutoencoder`]. `export`, `look` and `train` add methods to [`Autoencoder`].

mod weights;
mod snapshot;
mod last_run;
mod init;
mod errors;
mod variables;
mod sequential;
mod forward_node;
mod without_gradient;
mod inference;
mod micro_batch;
mod unpooling;
mod long_skips;
mod second_code;
mod conditions;
mod joint_plan;
mod vectors;
mod unit_ranges;
mod autoencoder;
mod trained;
mod reconstruct;
mod forward;
mod forward_labeled;
mod loss_check;
mod evaluate;
mod dead_units;
mod inactive_units;
mod code_sparsity;
mod summary;
mod terms;
mod pooling;
mod posterior;
mod pairs;
mod strided;
mod upsampling;
mod denoising;
mod sparse;
mod variational;
mod adversarial;
mod vector_quantized;
mod sequence;
mod masked;

pub use adversarial::AdversarialAutoencoder;
pub use autoencoder::Autoencoder;
pub use code_sparsity::CodeSparsity;
pub use denoising::DenoisingAutoencoder;
pub(crate) use errors::check_image_shape;
pub(crate) use evaluate::MeanLosses;
pub use init::Init;
pub(crate) use last_run::{LastRun, OptimizerState};
pub use masked::MaskedAutoencoder;
pub(crate) use micro_batch::micro_batch;
pub use pooling::PoolingAutoencoder;
pub(crate) use posterior::{DrawnCodes, Posterior, Prior};
pub use sequence::SequenceAutoencoder;
pub(crate) use snapshot::Snapshot;
pub use sparse::{SparseAutoencoder, Sparsity};
pub use strided::StridedAutoencoder;
pub use upsampling::UpsamplingAutoencoder;
pub(crate) use variables::count_weights;
pub use variational::VariationalAutoencoder;
pub use vector_quantized::VectorQuantizedAutoencoder;
pub use weights::Weights;
