//! Training: [`Autoencoder::fit`](crate::model::Autoencoder::fit) and everything that it needs. The
//! only folder with a loop over epochs; it uses all others.
//!
//! [`Fit`] are the settings, [`History`] the result. A run's steps are made by an executor: the
//! planned step on the CPU (`train_step`), candle's autograd on other devices (`autograd`).

mod metric_value;
mod epoch;
mod ended;
mod monitor;
mod metric;
mod early_stopping;
mod fit;
mod checks;
mod history;
mod metric_charts;
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
mod observer;
mod recorder;
mod train_step;
mod step_settings;
mod best;
mod live_value;
mod event;
mod hooks;
mod non_finite;
mod setup;
mod run;
mod run_cause;
mod run_event;
mod run_file;
mod run_epoch;
mod resume;
mod autoencoder;
mod pretrain;
mod team;
mod trainer;
mod trainer_batch;
mod rate_search;
mod watched;

pub use early_stopping::EarlyStopping;
pub use ended::Ended;
pub use epoch::{Epoch, LossTerm};
pub use event::{Event, EventKind};
pub use fit::Fit;
pub use history::History;
pub(crate) use history::metric_names;
pub use hooks::Hooks;
pub use metric::Metric;
pub use metric_value::MetricValue;
pub use monitor::Monitor;
pub use rate_search::{RateRange, RateSearch};
pub use resume::Resume;
#[doc(hidden)]
pub use team::candlebook_rank;
pub use trainer::Trainer;
