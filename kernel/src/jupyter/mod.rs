//! The Jupyter kernel: kernelspec, sockets, messages. Uses `engine`.

pub(crate) mod history;
pub(crate) mod message;
pub(crate) mod worker;
pub(crate) mod server;
pub(crate) mod spec;
pub(crate) mod stock;
