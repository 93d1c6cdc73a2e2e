//! What Jupyter knows of us: the kernelspec; and a JupyterLab to use, the user's or a private one.

use crate::home;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

const LOGOS: [(&str, &[u8]); 3] = [
    (
        "logo-32x32.png",
        include_bytes!("../../../kernel-spec/logo-32x32.png"),
    ),
    (
        "logo-64x64.png",
        include_bytes!("../../../kernel-spec/logo-64x64.png"),
    ),
    (
        "logo-svg.svg",
        include_bytes!("../../../kernel-spec/logo-svg.svg"),
    ),
];
const TEMPLATE: &str = include_str!("../../../kernel-spec/kernel.json");
/// Versions that were tested together.
const REQUIREMENTS: &str = include_str!("../../../kernel-spec/requirements.txt");
/// The kernel's name in Jupyter.
pub(crate) const NAME: &str = "candlebook";

/// Where a kernelspec goes.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// The user's own Jupyter folder.
    User,
    /// The environment of the Python found first on the path.
    SysPrefix,
    /// Any environment's folder.
    Prefix(PathBuf),
}

impl Place {
    /// The folder that holds our kernelspec.
    pub(crate) fn spec_folder(&self) -> Result<PathBuf> {
        let jupyter = match self {
            Place::User => match std::env::var_os("JUPYTER_DATA_DIR") {
                Some(folder) => PathBuf::from(folder),
                None if cfg!(target_os = "macos") => home::user_home()?.join("Library/Jupyter"),
                None => match std::env::var_os("XDG_DATA_HOME") {
                    Some(data) => PathBuf::from(data).join("jupyter"),
                    None => home::user_home()?.join(".local/share/jupyter"),
                },
            },
            Place::SysPrefix => {
                let prefix = home::output(
                    Command::new(python()?).args(["-c", "import sys; print(sys.prefix)"]),
                )?;
                PathBuf::from(prefix.trim()).join("share/jupyter")
            }
            Place::Prefix(prefix) => prefix.join("share/jupyter"),
        };
        Ok(jupyter.join("kernels").join(NAME))
    }
}

/// Copies this program to where it stays and registers the kernel. Returns the kernelspec's folder.
pub(crate) fn register(place: &Place) -> Result<PathBuf> {
    let program = copy_program()?;
    let folder = place.spec_folder()?;
    home::create_folder(&folder)?;
    let mut spec: serde_json::Value =
        serde_json::from_str(TEMPLATE).context("the kernelspec's template is damaged")?;
    if let Some(argv) = spec["argv"].as_array_mut() {
        argv[0] = json!(program);
    }
    // A Jupyter server started from a menu does not have cargo on its path.
    if let Some(bin) = rust_bin() {
        spec["env"]["CANDLEBOOK_RUST_BIN"] = json!(bin);
    }
    if let Some(own) = std::env::var_os("CANDLEBOOK_HOME") {
        spec["env"]["CANDLEBOOK_HOME"] = json!(std::path::absolute(own)?);
    }
    home::write_atomically(
        &folder.join("kernel.json"),
        serde_json::to_string_pretty(&spec)?.as_bytes(),
    )?;
    for (name, bytes) in LOGOS {
        home::write_atomically(&folder.join(name), bytes)?;
    }
    Ok(folder)
}

/// Removes the kernelspec. Returns its folder if it was there.
pub(crate) fn unregister(place: &Place) -> Result<Option<PathBuf>> {
    let folder = place.spec_folder()?;
    if !folder.join("kernel.json").is_file() {
        return Ok(None);
    }
    std::fs::remove_dir_all(&folder)
        .with_context(|| format!("cannot remove {}", folder.display()))?;
    Ok(Some(folder))
}

/// Whether the registered kernel is this very program.
pub(crate) fn is_current(place: &Place) -> bool {
    let same = || -> Result<bool> {
        let spec: serde_json::Value =
            serde_json::from_slice(&std::fs::read(place.spec_folder()?.join("kernel.json"))?)?;
        let registered = std::fs::read(spec["argv"][0].as_str().unwrap_or_default())?;
        Ok(registered == std::fs::read(std::env::current_exe()?)?)
    };
    same().unwrap_or(false)
}

fn copy_program() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot find the program's own path")?;
    let folder = home::folder()?.join("bin");
    home::create_folder(&folder)?;
    let target = folder.join("candlebook");
    if program == target {
        return Ok(target);
    }
    // To a new name, then renamed: a kernel that runs keeps its old file.
    let part = folder.join(format!("candlebook.part-{}", std::process::id()));
    std::fs::copy(&program, &part)
        .and_then(|_| std::fs::rename(&part, &target))
        .with_context(|| format!("cannot write {}", target.display()))?;
    Ok(target)
}

fn rust_bin() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| folder.join("cargo").is_file())
}

/// A Python 3 to make environments with.
pub(crate) fn python() -> Result<PathBuf> {
    for name in ["python3", "python"] {
        let version = Command::new(name)
            .args(["-c", "import sys; print(sys.version_info[0])"])
            .output();
        if version.is_ok_and(|out| out.status.success() && out.stdout.trim_ascii() == b"3") {
            return Ok(name.into());
        }
    }
    bail!(
        "expected Python 3 for JupyterLab, got none on the path. Install it from python.org or your system's packages"
    )
}

/// JupyterLab: the one on the path, else a private environment with pinned versions, made on first use.
pub(crate) fn lab() -> Result<PathBuf> {
    if let Some(found) = on_path("jupyter-lab") {
        return Ok(found);
    }
    private_environment().map(|environment| environment.join("bin/jupyter-lab"))
}

/// A program on the path that runs.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let works = Command::new(name)
        .arg("--version")
        .output()
        .is_ok_and(|out| out.status.success());
    works.then(|| name.into())
}

/// A Python environment of ours with JupyterLab, made where it is not there or its versions are older ones.
pub(crate) fn private_environment() -> Result<PathBuf> {
    let folder = home::folder()?.join("python");
    let stamp = folder.join("requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|text| text == REQUIREMENTS) {
        return Ok(folder);
    }
    let python = python()?;
    eprintln!(
        "candlebook: installing JupyterLab into {} (once, a minute or two)",
        folder.display()
    );
    home::output(
        Command::new(python)
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )
    .context(
        "cannot make a Python environment; on Debian and Ubuntu: apt-get install python3-venv",
    )?;
    let list = folder.join("requirements.part");
    std::fs::write(&list, REQUIREMENTS)?;
    pip_install(&folder, &list)?;
    std::fs::rename(&list, &stamp).context("cannot finish the Python environment")?;
    Ok(folder)
}

fn pip_install(environment: &Path, list: &Path) -> Result<()> {
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
    ])
    .arg(list);
    home::output(&mut pip)
        .context("JupyterLab cannot be installed; check the network")
        .map(drop)
}
