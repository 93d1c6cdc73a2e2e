//! Training.

mod autoencoder;
mod fit;
mod history;
mod run;
mod state;
mod train_step;
