//! The Jupyter kernel: kernelspec, JupyterLab, sockets and messages.
//!
//! Uses `home`, `build` and `engine`. Offers [`serve_kernel`], which serves one connection file;
//! the stock server to compare with; registration in Jupyter by [`SpecLocation`]; and JupyterLab,
//! from the path or a private Python environment.

mod history;
mod backlog;
mod message;
mod state;
mod lookup;
mod stdin;
mod worker;
mod sockets;
mod channel;
mod server;
mod lab;
mod spec;
mod stock;
mod installed;

pub(crate) use installed::{
    finds_shipped_kernel, introduction, program_name, shipped_spec, with_program_name,
};
pub(crate) use lab::{find_on_path, lab_command};
pub(crate) use server::serve_kernel;
pub(crate) use spec::SpecLocation;
pub(crate) use stock::{become_stock_server_if_asked, serve_stock_kernel};
