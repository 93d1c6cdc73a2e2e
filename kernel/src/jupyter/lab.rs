//! JupyterLab: the one on the path, or a private Python environment with tested versions.

use crate::home;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Requirements with versions that were tested together.
const REQUIREMENTS: &str = include_str!("../../../kernel-spec/requirements.txt");

/// Finds JupyterLab on the path, or installs it into the private environment on first use.
///
/// # Errors
/// If there is no Python 3, or JupyterLab cannot be installed.
pub(crate) fn find_lab() -> Result<PathBuf> {
    if let Some(found) = find_on_path("jupyter-lab") {
        return Ok(found);
    }
    private_environment().map(|environment| environment.join("bin/jupyter-lab"))
}

/// Finds a program on the path by running it with `--version`.
pub(crate) fn find_on_path(name: &str) -> Option<PathBuf> {
    let works = Command::new(name)
        .arg("--version")
        .output()
        .is_ok_and(|out| out.status.success());
    works.then(|| name.into())
}

/// Finds a Python 3 on the path.
///
/// # Errors
/// If there is none.
pub(crate) fn find_python() -> Result<PathBuf> {
    for name in ["python3", "python"] {
        let version = Command::new(name)
            .args(["-c", "import sys; print(sys.version_info[0])"])
            .output();
        if version.is_ok_and(|out| out.status.success() && out.stdout.trim_ascii() == b"3") {
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
    let mut venv = Command::new(python);
    home::output(venv.args(["-m", "venv", "--clear"]).arg(&folder)).context(
        "cannot create a Python environment; on Debian and Ubuntu: apt-get install python3-venv",
    )?;
    let list = folder.join("requirements.part");
    std::fs::write(&list, REQUIREMENTS)?;
    pip_install(&folder, &list)?;
    std::fs::rename(&list, &stamp).context("cannot complete the Python environment")?;
    Ok(folder)
}

fn pip_install(environment: &Path, requirements: &Path) -> Result<()> {
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet"])
        .args(["--disable-pip-version-check", "-r"])
        .arg(requirements);
    home::output(&mut pip)
        .context("cannot install JupyterLab; check the network")
        .map(drop)
}
