//! Training: [`Autoencoder::fit`](crate::model::Autoencoder::fit) and everything that it needs. The
//! only folder with a loop over epochs; it uses all others.
//!
//! [`Fit`] are the settings, [`History`] the result. A run's steps are made by an executor: the
//! planned step on the CPU (`train_step`), candle's autograd on other devices (`autograd`).

mod fit;
mod checks;
mod history;
mod loss_parts;
mod state;
mod status;
mod drawing;
mod view;
mod executor;
mod autograd;
mod weight_update;
mod custom_loss;
mod whole_batch;
mod model_values;
mod observer;
mod recorder;
mod train_step;
mod run;
mod resume;
mod autoencoder;
mod pretrain;
mod watched;

pub use fit::Fit;
pub use history::{Epoch, History, LossTerm};
pub use resume::Resume;
