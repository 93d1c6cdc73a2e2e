//! Losses: a batch -> one value and its gradients. Uses `error` and `math`; knows no layer, no
//! model.
//!
//! [`Loss`] is the choice that [`Fit`](crate::train::Fit) takes. Each loss has its own file with
//! two forms: candle operations, for autograd, and value and gradient of one pair of numbers, for
//! the planned CPU step.

mod pairs;
mod autograd;
mod mse;
mod cross_entropy;
mod cross_entropy_with_logits;
mod reconstruction;

pub use reconstruction::Loss;
pub(crate) use reconstruction::scale_data;
