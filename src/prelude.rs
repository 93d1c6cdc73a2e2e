//! The names that the kernel imports before the first cell. Everything else is in the modules:
//! `data::npy_images`, `show::Scale`, `train::EarlyStopping`, `page::html`, `look::jpeg`.

pub use crate::cell::stopped;
pub use crate::data::{
    self, Dataset, PhotoSettings, Split, cifar10, fashion_mnist, image_folder, mnist,
    mnist_embedded, photographs,
};
pub use crate::device::best_device;
pub use crate::dist::Team;
pub use crate::error::Error;
pub use crate::evaluate;
pub use crate::layer::Layer::{
    self, Adversarial, Attention, BatchNorm, BatchTopK, Clamp, Condition, Contractive, Dropout,
    Elu, Flatten, Fsq, GaussianNoise, Gelu, GroupNorm, KlSparsity, L1, L2, LayerNorm, LeakyRelu,
    Linear, Lstm, LstmSteps, MaskSteps, MaskingNoise, Mmd, Patches, Positions, Relu, Repeat,
    Residual, SaltAndPepperNoise, Sequence, Sigmoid, Silu, Softmax, Softplus, SpatialDropout, Tanh,
    TopK, Unflatten, Unpatches, WinnerTakeAll,
};
pub use crate::layer::{
    AvgPool2d, Concat, Conv2d, ConvTranspose2d, Gaussian, Gumbel, MaxPool2d, MaxUnpool2d, Save,
    Upsample, VectorQuantize,
};
pub use crate::look::{self, explore};
pub use crate::loss::Loss;
pub use crate::model::{
    Autoencoder, Init, PoolingAutoencoder, StridedAutoencoder, VariationalAutoencoder,
    VectorQuantizedAutoencoder, Weights,
};
pub use crate::optim::{Optim, Optimizer, Rates};
pub use crate::runs::{self, compare, result, runs, sweep, sweep_results};
pub use crate::show::{Image, Montage, Plot, Plots, Table, input, page, progress};
// The function, and the module for `show::Scale` and `show::Marker`.
pub use crate::show;
// Only the methods: they show the last expression of a cell.
pub use crate::show::{ShowCounted as _, ShowDebug as _, ShowValues as _};
pub use crate::train::{self, Fit, History, Resume};
pub use candle_core::{self, D, DType, Device, IndexOp, Tensor, Var};
// Candle's README and examples write these names.
pub use anyhow;
pub use candle_core as candle;
pub use candle_nn;
// Callbacks of `fit_with` return it.
pub use std::ops::ControlFlow;
