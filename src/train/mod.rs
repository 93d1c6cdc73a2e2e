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
mod executor_state;
mod executor;
mod tensor_average;
mod host_average;
mod autograd;
mod weight_update;
mod custom_loss;
mod whole_batch;
mod model_values;
mod train_step;
mod step_settings;
mod run;
mod resume;
mod autoencoder;
mod pretrain;
mod trainer;
mod rate_search;

pub use fit::Fit;
pub use history::{Epoch, History, LossTerm};
pub use rate_search::{RateRange, RateSearch};
pub use resume::Resume;
pub use trainer::Trainer;
