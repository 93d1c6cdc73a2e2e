//! Training by a team: a job of ranks that goes on with a run from a file, and leaves a file.
//!
//! The process of the notebook is not one of the ranks. It starts the job, passes on what rank 0 shows,
//! and takes over the weights: a rank that dies costs the job, and not the variables.

mod message;
mod version;
mod outcome;
mod job;
mod last_words;
mod watch;
mod client;
mod find;
mod clocks;
mod rank;

pub(super) use client::{team_of, train_by};
pub use rank::candlebook_rank;
