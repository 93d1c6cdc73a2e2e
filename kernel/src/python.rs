//! Python: the one on the path, and a private environment for the programs that Candlebook installs
//! on first use.

use crate::home;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Python packages of the private environment, with versions that were tested together.
pub(crate) struct Packages {
    /// The program that needs them, for messages.
    name: &'static str,
    /// File in the environment with the requirements as they were installed, written last.
    stamp: &'static str,
    requirements: &'static str,
}

/// JupyterLab.
pub(crate) const JUPYTERLAB: Packages = Packages {
    name: "JupyterLab",
    stamp: "requirements.txt",
    requirements: include_str!("../../kernel-spec/requirements.txt"),
};
/// Dask, for sweeps over notebooks.
pub(crate) const DASK: Packages = Packages {
    name: "Dask",
    stamp: "dask.txt",
    requirements: include_str!("../../kernel-spec/sweep/requirements.txt"),
};

impl Packages {
    /// The environment with these packages, which are installed if they or their versions are
    /// missing. Other packages are not.
    ///
    /// # Errors
    /// If there is no Python 3, or the packages cannot be installed.
    pub(crate) fn install(&self) -> Result<PathBuf> {
        let folder = folder()?;
        if self.are_current(&folder) {
            return Ok(folder);
        }
        let python = find_python(self.name)?;
        eprintln!(
            "candlebook: installing {} into {} (once, a minute or two)",
            self.name,
            folder.display()
        );
        if self.needs_new(&folder) {
            let mut venv = home::tool(python)?;
            home::output(venv.args(["-I", "-m", "venv", "--clear"]).arg(&folder)).context(
                "cannot create a Python environment; on Debian and Ubuntu: apt-get install \
                 python3-venv",
            )?;
        }
        let stamp = folder.join(self.stamp);
        let list = stamp.with_extension("part");
        std::fs::write(&list, self.requirements)?;
        self.pip_install(&folder, &list)?;
        std::fs::rename(&list, &stamp).context("cannot complete the Python environment")?;
        Ok(folder)
    }

    /// True if the environment has the packages, of these or other versions.
    ///
    /// # Errors
    /// If the home folder cannot be used.
    pub(crate) fn are_installed(&self) -> Result<bool> {
        Ok(folder()?.join(self.stamp).is_file())
    }

    fn are_current(&self, folder: &Path) -> bool {
        let installed = std::fs::read_to_string(folder.join(self.stamp));
        installed.is_ok_and(|text| text == self.requirements)
    }

    /// True if no packages are complete, or these have other versions: an environment with the
    /// packages of another program gets these as well.
    fn needs_new(&self, folder: &Path) -> bool {
        let has = |packages: &Packages| folder.join(packages.stamp).is_file();
        has(self) || ![JUPYTERLAB, DASK].iter().any(has)
    }

    fn pip_install(&self, environment: &Path, requirements: &Path) -> Result<()> {
        let mut pip = home::tool(interpreter(environment))?;
        pip.args(["-I", "-m", "pip", "install", "--quiet"])
            .args(["--disable-pip-version-check", "-r"])
            .arg(requirements);
        home::output(&mut pip)
            .with_context(|| format!("cannot install {}; check the network", self.name))
            .map(drop)
    }
}

/// An environment's Python. Programs start as its modules: the path of an installed script's
/// interpreter, in its first line, can neither be long nor contain spaces.
pub(crate) fn interpreter(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}

/// Runs a module of an environment, in the home folder.
///
/// # Errors
/// If the home folder cannot be used.
pub(crate) fn module(environment: &Path, name: &str) -> Result<Command> {
    let mut python = home::tool(interpreter(environment))?;
    python.args(["-I", "-m", name]);
    Ok(python)
}

fn folder() -> Result<PathBuf> {
    Ok(home::folder()?.join("python"))
}

/// Finds a Python 3 on the path.
///
/// # Errors
/// If there is none.
pub(crate) fn find_python(program: &str) -> Result<PathBuf> {
    for name in ["python3", "python"] {
        let print = ["-I", "-c", "import sys; print(sys.version_info[0])"];
        let version = home::output(home::tool(name)?.args(print));
        if version.is_ok_and(|version| version.trim() == "3") {
            return Ok(name.into());
        }
    }
    bail!(
        "expected Python 3 for {program}, got none on the path. Install it from python.org or \
         your system's packages"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_of_another_program_gets_the_packages_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(DASK.needs_new(folder), "nothing is complete");
        std::fs::write(folder.join(JUPYTERLAB.stamp), "other versions").unwrap();
        assert!(!DASK.needs_new(folder) && JUPYTERLAB.needs_new(folder));
        assert!(!DASK.are_current(folder) && !JUPYTERLAB.are_current(folder));
        std::fs::write(folder.join(DASK.stamp), DASK.requirements).unwrap();
        assert!(DASK.are_current(folder));
    }
}
