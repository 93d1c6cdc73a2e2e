//! Ranks: processes that train one model together. Each computes some rows of every batch, and sums
//! make their gradients those of the whole batch. Knows slices only.

mod summand;
#[cfg(test)]
mod threads;
mod transport;
mod waiting;
mod world;

pub(crate) use summand::Summand;
#[cfg(test)]
pub(crate) use threads::on_threads;
pub(crate) use transport::Transport;
pub(crate) use waiting::Waiting;
pub(crate) use world::World;
