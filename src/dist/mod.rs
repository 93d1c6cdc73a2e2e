//! Ranks: processes that train one model together. Each computes some rows of every batch, and sums
//! make their gradients those of the whole batch. Knows slices only.

mod transport;
mod summand;
mod waiting;
mod world;
#[cfg(test)]
mod threads;
mod launch_environment;
mod functions;
mod abi;
mod mpi;
mod launcher;
mod team;
mod command;

pub(crate) use command::LaunchCommand;
pub(crate) use launch_environment::Refusal;
pub(crate) use launcher::output_within;
pub(crate) use mpi::Mpi;
pub(crate) use summand::Summand;
pub use team::{Launcher, Team};
#[cfg(test)]
pub(crate) use threads::on_threads;
pub(crate) use world::World;
