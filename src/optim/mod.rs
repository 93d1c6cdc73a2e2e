//! Optimizers: gradients -> steps. Uses `error`, `math` and `show`; knows no loss, no layer, no model.
//!
//! [`Optim`] selects the method ([`Adam`], [`Adamax`], [`NAdam`], [`Adagrad`], [`Adadelta`], [`RmsProp`],
//! [`Lion`] or [`Sgd`]) and its settings. [`ParameterGroup`]s have rates of their own, [`Gradients`]
//! are clipped and accumulated, [`Average`] averages the weights, and [`Schedule`] changes the
//! learning rate. [`Optimizer`] applies all this to candle variables in your own training loop.
//! [`Fit`](crate::train::Fit) runs the same update inside its planned CPU step.

mod ranges;
mod rates;
mod schedule;
mod groups;
mod gradients;
mod average;
mod moments;
mod adam;
mod adamax;
mod nadam;
mod adagrad;
mod adadelta;
mod rms_prop;
mod lion;
mod sgd;
mod settings;
mod update;
mod moment_store;
#[cfg(feature = "nccl")]
mod nccl;
mod gradient_sum;
mod tensor_gradients;
mod optimizer;

pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamax::Adamax;
pub use average::Average;
pub(crate) use average::move_average;
pub(crate) use gradient_sum::GradientSum;
pub use gradients::Gradients;
pub(crate) use gradients::{clip, scale};
#[cfg(test)]
pub(crate) use groups::GroupRates;
pub(crate) use groups::Grouping;
pub use groups::ParameterGroup;
pub use lion::Lion;
pub(crate) use moments::{MOMENTS, MomentSlices, Moments};
pub use nadam::NAdam;
pub use optimizer::Optimizer;
pub use rates::Rates;
pub use rms_prop::RmsProp;
pub use schedule::{Cosine, Interval, OneCycle, Plateau, RunLength, Schedule};
pub use settings::Optim;
pub use sgd::Sgd;
pub(crate) use tensor_gradients::TensorGradients;
pub(crate) use update::{Update, UpdateRule};
