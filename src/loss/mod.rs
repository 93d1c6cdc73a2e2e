//! Losses: a batch to a number and its gradients.

mod pairs;

pub use pairs::Loss;
