//! What remains of training runs: files for other programs, the table of recorded runs, their
//! comparison, sweeps over settings, and the results of sweeps over notebooks.

// Files.
mod crc32c;
mod protobuf;
mod event_file;
mod scalars;
mod settings;
mod history_file;
// The run log.
mod run;
mod sortable;
mod list;
mod compare;
// Sweeps.
mod point;
mod search;
mod grid;
mod random;
mod successive_halving;
mod trial;
mod sweep_view;
mod seats;
mod rounds;
mod trial_job;
mod workers;
mod sweep;
// Sweeps over notebooks.
mod result;
mod notebook_run;
mod results_file;
mod results_view;
mod sweep_results;

pub use compare::{Column, Comparable, Comparison, compare};
pub use grid::Grid;
pub use list::{Runs, runs};
pub use notebook_run::NotebookRun;
pub use point::{Point, PointValue};
pub use random::Random;
pub use result::result;
pub use run::Run;
pub use search::{Halving, Search};
pub use successive_halving::SuccessiveHalving;
pub use sweep::{Sweep, sweep};
pub use sweep_results::{SweepResults, sweep_results};
pub use trial::{Trial, TrialState};
