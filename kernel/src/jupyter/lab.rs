//! JupyterLab: the one on the path, or a private Python environment with tested versions.

use super::installed::lab_beside;
use crate::home;
use crate::python::{self, JUPYTERLAB};
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The command that opens a notebook in JupyterLab: the one on the path, or one that is installed
/// into the private environment on first use.
///
/// Jupyter executes configuration files of the folder in which it starts, so it starts in the home
/// folder, with the current folder, or the notebook's if that is elsewhere, as its root.
///
/// # Errors
/// If there is no Python 3, JupyterLab cannot be installed, or the current folder is gone.
pub(crate) fn lab_command(notebook: &Path, arguments: &[String]) -> Result<Command> {
    let notebook = std::path::absolute(notebook)?;
    let current = std::env::current_dir().context("the current folder is gone")?;
    let root = if notebook.starts_with(&current) {
        &current
    } else {
        notebook.parent().unwrap_or(&current)
    };
    let mut lab = match lab_beside().or_else(|| find_on_path("jupyter-lab")) {
        Some(found) => home::tool(found)?,
        None => private_lab()?,
    };
    let names_root = |argument: &String| {
        argument.contains("root_dir")
            || argument.contains("notebook-dir")
            || argument.contains("notebook_dir")
    };
    if !arguments.iter().any(names_root) {
        let mut option = OsString::from("--ServerApp.root_dir=");
        option.push(root);
        lab.arg(option);
    }
    lab.arg(&notebook).args(arguments);
    Ok(lab)
}

/// JupyterLab in the private environment.
fn private_lab() -> Result<Command> {
    python::module(&JUPYTERLAB.install()?, "jupyterlab")
}

/// Finds a program on the path by running it with `--version`.
pub(crate) fn find_on_path(name: &str) -> Option<PathBuf> {
    let version = home::tool(name).and_then(|mut tool| home::output(tool.arg("--version")));
    version.is_ok().then(|| name.into())
}
