//! The Jupyter kernel: kernelspec, sockets, messages. Uses `engine`.

pub mod history;
pub mod message;
pub mod worker;
pub mod server;
pub mod spec;
pub mod stock;
