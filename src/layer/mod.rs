//! Layers as plain data, and the implementation of each kind.
//!
//! One kind of layer, one file: settings, shape inference, candle forward pass and CPU op, tied
//! together by the `LayerKind` trait. A new kind is a new file, or a variant of `ActivationFn`, and a
//! variant of [`Layer`].
//! Uses `math` and `error`; knows no plan, model or optimizer.
//!
//! Users write lists of [`Layer`]s. `plan` and `model` use the flattened nodes, their shapes, and
//! the CPU ops.

mod layer_error;
mod term;
mod variable;
mod dense_output;
mod cpu;
mod batch_rows;
mod kind;
mod across_ranks;
mod linear;
mod unit_norm_linear;
mod conv_op;
mod conv;
mod conv_transpose;
mod pool_settings;
mod windows;
mod partial_windows;
mod max_pool;
mod avg_pool;
mod upsample;
mod batch_norm;
mod activation;
mod gelu;
mod silu;
mod softmax;
mod group_norm;
mod layer_norm;
mod noise;
mod total_correlation;
mod deviation;
mod gaussian;
mod gaussian_op;
mod gaussian_settings;
mod gumbel;
mod level_bound;
mod fsq;
mod top_k;
mod batch_top_k;
mod aux_k;
mod penalty;
mod kl_sparsity;
mod winner_take_all;
mod mmd;
mod contractive;
mod tied_linear;
mod long_skip;
mod adversarial;
mod codebook;
mod vector_quantize;
mod condition;
mod sequence;
mod patches;
mod lstm;
mod attention;
mod positions;
mod mask_steps;
mod module;
mod dropout;
mod spatial_dropout;
mod reshape;
mod residual;
mod unsupported;
#[allow(clippy::module_inception)] // One noun, one file.
mod layer;
mod catalog;
mod written;
mod builder;
mod pool_builder;
mod code_builder;
mod gaussian_builder;
mod gumbel_builder;
mod sparse_builder;
mod nodes;
mod mirror;

pub(crate) use across_ranks::{joins_images, rng_calls};
pub use aux_k::AuxKSettings;
pub(crate) use batch_rows::BatchRows;
pub use builder::{Conv2d, ConvTranspose2d};
pub use code_builder::{Concat, Save, VectorQuantize};
pub(crate) use codebook::nearest as nearest_entries;
pub(crate) use condition::check_label_count;
pub use conv::ConvSettings;
pub use conv_transpose::ConvTransposeSettings;
pub(crate) use cpu::{
    Activation, Arithmetic, BackwardArgs, CpuOp, ForwardArgs, Number, OpShape, OpTraining,
    Pointwise, Workspace,
};
pub use gaussian_builder::Gaussian;
pub use gaussian_settings::GaussianSettings;
pub use gumbel::GumbelSettings;
pub(crate) use gumbel::one_hot_tensor;
pub use gumbel_builder::Gumbel;
pub(crate) use kind::{ForwardContext, ForwardState, LayerShapes, LowerContext, Lowered};
pub use layer::Layer;
pub(crate) use layer_error::{LayerError, shape};
pub(crate) use mirror::mirror;
pub use module::ModuleLayer;
pub(crate) use nodes::{MAX_VALUES, Node, nodes, output_range, shapes};
pub use pool_builder::{AvgPool2d, MaxPool2d, MaxUnpool2d, Upsample};
pub use pool_settings::{PoolSettings, UnpoolSettings};
pub(crate) use term::{Term, TermValue};
#[doc(hidden)]
pub use unsupported::UnsupportedSetting;
pub(crate) use variable::{FirstValues, LayerVars, Variable, VariableSpec};
pub use vector_quantize::VectorQuantizeSettings;
pub(crate) use vector_quantize::rows as code_rows;
