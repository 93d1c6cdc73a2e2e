//! Training.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod autoencoder;
mod autograd;
mod fit;
mod history;
mod inference;
mod run;
mod state;
mod train_step;
