//! Training.

mod train_step;
mod state;
mod run;
