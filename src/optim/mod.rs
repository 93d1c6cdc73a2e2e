//! Optimizers: gradients -> steps. Uses `error` and `math`; knows no loss, no layer, no model.
//!
//! [`Optim`] selects the method ([`Adam`], [`Adadelta`], [`RmsProp`] or [`Sgd`]) and its settings. [`Optimizer`] applies it to
//! candle variables in your own training loop. [`Schedule`] changes the learning rate. [`Fit`](crate::train::Fit) runs the same update
//! inside its planned CPU step.

mod rates;
mod schedule;
mod moments;
mod adadelta;
mod adam;
mod rms_prop;
mod sgd;
mod settings;
mod update;
mod optimizer;

pub use adadelta::Adadelta;
pub use adam::Adam;
pub(crate) use moments::Moments;
pub use optimizer::Optimizer;
pub use rates::Rates;
pub use rms_prop::RmsProp;
pub use schedule::{Interval, Schedule};
pub use settings::Optim;
pub use sgd::Sgd;
pub(crate) use update::{Update, UpdateRule};
