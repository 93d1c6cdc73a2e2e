//! `candlebook run`: executes a notebook without Jupyter.
//!
//! Uses `home`, `build` and `engine`. Offers [`run_notebook`] and the [`Parameter`] values that its
//! cell tagged "parameters" takes.

mod parameter;
mod file;
mod outputs;
mod printer;
mod team;
mod run;

pub(crate) use parameter::Parameter;
pub(crate) use run::run_notebook;
