//! Training: the only folder with a loop over epochs.

mod run;
mod train_step;
mod fit;
mod history;
mod state;
mod view;

pub use fit::Fit;
pub use history::{Epoch, History};
