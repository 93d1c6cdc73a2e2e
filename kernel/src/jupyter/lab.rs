//! JupyterLab: the one on the path, or a private Python environment with tested versions.

use super::installed::lab_beside;
use crate::home;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Requirements with versions that were tested together.
const REQUIREMENTS: &str = include_str!("../../../kernel-spec/requirements.txt");

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

/// JupyterLab as a module of the private Python: the path of an installed script's interpreter, in
/// its first line, can neither be long nor contain spaces.
fn private_lab() -> Result<Command> {
    let mut lab = home::tool(private_environment()?.join("bin/python"))?;
    lab.args(["-I", "-m", "jupyterlab"]);
    Ok(lab)
}

/// Finds a program on the path by running it with `--version`.
pub(crate) fn find_on_path(name: &str) -> Option<PathBuf> {
    let version = home::tool(name).and_then(|mut tool| home::output(tool.arg("--version")));
    version.is_ok().then(|| name.into())
}

/// Finds a Python 3 on the path.
///
/// # Errors
/// If there is none.
pub(crate) fn find_python() -> Result<PathBuf> {
    for name in ["python3", "python"] {
        let print = ["-I", "-c", "import sys; print(sys.version_info[0])"];
        let version = home::output(home::tool(name)?.args(print));
        if version.is_ok_and(|version| version.trim() == "3") {
            return Ok(name.into());
        }
    }
    bail!(
        "expected Python 3 for JupyterLab, got none on the path. Install it from python.org or \
         your system's packages"
    )
}

/// True if the private environment has a JupyterLab, of these or other versions.
///
/// # Errors
/// If the home folder cannot be used.
pub(crate) fn has_private_lab() -> Result<bool> {
    Ok(stamp(&environment_folder()?).is_file())
}

fn environment_folder() -> Result<PathBuf> {
    Ok(home::folder()?.join("python"))
}

/// The copy of the installed requirements, written when the environment is complete.
fn stamp(environment: &Path) -> PathBuf {
    environment.join("requirements.txt")
}

/// The private Python environment, created if it does not exist or has other versions.
fn private_environment() -> Result<PathBuf> {
    let folder = environment_folder()?;
    let stamp = stamp(&folder);
    if std::fs::read_to_string(&stamp).is_ok_and(|text| text == REQUIREMENTS) {
        return Ok(folder);
    }
    let python = find_python()?;
    eprintln!(
        "candlebook: installing JupyterLab into {} (once, a minute or two)",
        folder.display()
    );
    let mut venv = home::tool(python)?;
    home::output(venv.args(["-I", "-m", "venv", "--clear"]).arg(&folder)).context(
        "cannot create a Python environment; on Debian and Ubuntu: apt-get install python3-venv",
    )?;
    let list = folder.join("requirements.part");
    std::fs::write(&list, REQUIREMENTS)?;
    pip_install(&folder, &list)?;
    std::fs::rename(&list, &stamp).context("cannot complete the Python environment")?;
    Ok(folder)
}

fn pip_install(environment: &Path, requirements: &Path) -> Result<()> {
    let mut pip = home::tool(environment.join("bin/python"))?;
    pip.args(["-I", "-m", "pip", "install", "--quiet"])
        .args(["--disable-pip-version-check", "-r"])
        .arg(requirements);
    home::output(&mut pip)
        .context("cannot install JupyterLab; check the network")
        .map(drop)
}
