//! Training.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod autoencoder;
mod autograd;
mod checks;
mod custom_loop;
mod code_layers;
mod fit;
mod history;
mod custom_loss;
mod pretrain;
mod resume;
mod inference;
mod run;
mod state;
mod train_step;
