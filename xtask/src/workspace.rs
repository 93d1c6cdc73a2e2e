//! Paths, commands and Python environments of the development commands.

use crate::command::run;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Name of the home folder of the tests' kernels.
const HOME_NAME: &str = "Zo\u{eb}'s \"home\", all [of] {it} #1 & a name that is much longer than the \
    names that people usually give to their folders";

/// The repository, and the folders of the development commands inside the target folder. Outside of
/// it, only the system's own tools install something: rust-src and chromium.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) work: PathBuf,
}

impl Workspace {
    /// Locates the repository and creates the work folder.
    ///
    /// # Errors
    /// If the folder cannot be created.
    pub(crate) fn new() -> Result<Workspace, String> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest
            .parent()
            .ok_or("xtask is not in a workspace")?
            .to_owned();
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let target =
            std::path::absolute(target).map_err(|error| format!("target folder: {error}"))?;
        let work = target.join("xtask");
        std::fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
        Ok(Workspace { root, target, work })
    }

    /// A cargo command in the repository.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.root);
        cargo
    }

    /// The kernel's program.
    pub(crate) fn kernel(&self) -> PathBuf {
        self.target.join("release/candlebook")
    }

    /// The home folder of the tests' kernels, with a name that users' folders may have: long, with
    /// spaces, quotes and other letters, behind a symbolic link.
    fn home(&self) -> PathBuf {
        let link = self.work.join("a linked home");
        let folder = self.work.join(HOME_NAME);
        // An error shows when the kernel is installed there.
        let _ = std::fs::create_dir_all(&folder);
        if !link.exists() {
            let _ = std::os::unix::fs::symlink(&folder, &link);
        }
        link
    }

    /// Redirects installations into the target folder and disables downloads.
    pub(crate) fn isolate<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("CANDLEBOOK_HOME", self.home())
            .env("CANDLEBOOK_CACHE", self.work.join("cache"))
            .env("CANDLEBOOK_OFFLINE", "1")
            .env("CANDLEBOOK_RUNS", self.work.join("runs.sqlite"))
            .env("CANDLEBOOK_BIN", self.kernel())
            .env("CANDLEBOOK_SCREENSHOTS", self.work.join("screenshots"))
            .env("JUPYTER_DATA_DIR", self.work.join("jupyter"))
            .env("JUPYTER_CONFIG_DIR", self.work.join("jupyter-config"))
            .env("JUPYTER_RUNTIME_DIR", self.work.join("jupyter-runtime"))
            .env_remove("CANDLEBOOK_DATA")
    }

    /// The Python interpreter of an environment with the tests' packages.
    ///
    /// # Errors
    /// If the packages cannot be installed.
    pub(crate) fn python(&self) -> Result<PathBuf, String> {
        Ok(self
            .environment("python", "tests/kernel/requirements.txt")?
            .join("bin/python"))
    }

    /// A Python environment with the packages of a requirements file, created if it does not exist
    /// or the file has changed.
    ///
    /// # Errors
    /// If the packages cannot be installed.
    pub(crate) fn environment(&self, name: &str, requirements: &str) -> Result<PathBuf, String> {
        let requirements = self.root.join(requirements);
        let wanted = std::fs::read_to_string(&requirements)
            .map_err(|error| format!("{}: {error}", requirements.display()))?;
        let folder = self.work.join(name);
        let stamp = folder.join("requirements.txt");
        if std::fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) {
            return Ok(folder);
        }
        println!(
            "xtask: installing Python packages into {}",
            folder.display()
        );
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder))?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.current_dir(&self.root);
        run(pip
            .args(["-m", "pip", "install", "--quiet"])
            .args(["--disable-pip-version-check", "-r"])
            .arg(&requirements))?;
        std::fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
        Ok(folder)
    }
}
