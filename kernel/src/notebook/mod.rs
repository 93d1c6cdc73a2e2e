//! `candlebook run`: executes a notebook without Jupyter.
//!
//! Uses `home`, `build` and `engine`. Offers [`run_notebook`], the [`Parameter`] values that its
//! cell tagged "parameters" takes, and the [`Record`] that an executed notebook has of its run.

mod parameter;
mod file;
mod outputs;
mod record;
mod printer;
mod team;
mod end;
mod run;

pub(crate) use file::Notebook;
pub(crate) use parameter::Parameter;
pub(crate) use record::Record;
pub(crate) use run::{RunArgs, run_notebook};
