//! The kernelspec, which registers the kernel in Jupyter.

use crate::home;
use crate::python::find_python;
use crate::shipped::Shipped;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Kernel name in Jupyter.
const KERNEL_NAME: &str = "candlebook";
const TEMPLATE: &str = include_str!("../../../kernel-spec/kernel.json");
const LOGOS: [Logo; 3] = [
    Logo {
        name: "logo-32x32.png",
        bytes: include_bytes!("../../../kernel-spec/logo-32x32.png"),
    },
    Logo {
        name: "logo-64x64.png",
        bytes: include_bytes!("../../../kernel-spec/logo-64x64.png"),
    },
    Logo {
        name: "logo-svg.svg",
        bytes: include_bytes!("../../../kernel-spec/logo-svg.svg"),
    },
];

struct Logo {
    name: &'static str,
    bytes: &'static [u8],
}

/// The Jupyter folder that a kernelspec is registered in.
#[derive(Clone, Debug)]
pub(crate) enum SpecLocation {
    /// The user's Jupyter folder.
    User,
    /// The environment of the first Python on the path.
    SysPrefix,
    /// The environment in a given folder.
    Prefix(PathBuf),
}

impl SpecLocation {
    /// The folder of the kernelspec.
    ///
    /// # Errors
    /// If there is no home folder, or no Python 3 for `SysPrefix`.
    pub(crate) fn spec_folder(&self) -> Result<PathBuf> {
        let jupyter = match self {
            SpecLocation::User => user_jupyter_folder()?,
            SpecLocation::SysPrefix => {
                let print_prefix = ["-I", "-c", "import sys; print(sys.prefix)"];
                let prefix = home::output(home::tool(find_python("Jupyter")?)?.args(print_prefix))?;
                PathBuf::from(prefix.trim()).join("share/jupyter")
            }
            SpecLocation::Prefix(prefix) => prefix.join("share/jupyter"),
        };
        Ok(jupyter.join("kernels").join(KERNEL_NAME))
    }

    /// Copies this program into the home folder and registers it as the kernel. Returns the
    /// kernelspec's folder.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(crate) fn register(&self) -> Result<PathBuf> {
        let program = copy_program()?;
        let folder = self.spec_folder()?;
        home::create_folder(&folder)?;
        home::write_atomically(
            &folder.join("kernel.json"),
            serde_json::to_string_pretty(&kernelspec(&program)?)?.as_bytes(),
        )?;
        for logo in LOGOS {
            home::write_atomically(&folder.join(logo.name), logo.bytes)?;
        }
        Ok(folder)
    }

    /// Removes the kernelspec. Returns its folder, or `None` if it was not registered.
    ///
    /// # Errors
    /// If the folder cannot be removed.
    pub(crate) fn unregister(&self) -> Result<Option<PathBuf>> {
        let folder = self.spec_folder()?;
        if !folder.join("kernel.json").is_file() {
            return Ok(None);
        }
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
        Ok(Some(folder))
    }

    /// True if the registered kernel is this program or a copy of it.
    pub(crate) fn is_current(&self) -> bool {
        let same = || -> Result<bool> {
            let spec: Value =
                serde_json::from_slice(&std::fs::read(self.spec_folder()?.join("kernel.json"))?)?;
            let registered = std::fs::read(spec["argv"][0].as_str().unwrap_or_default())?;
            Ok(registered == std::fs::read(std::env::current_exe()?)?)
        };
        same().unwrap_or(false)
    }
}

fn user_jupyter_folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("JUPYTER_DATA_DIR") {
        return Ok(PathBuf::from(folder));
    }
    if cfg!(target_os = "macos") {
        return Ok(home::user_home()?.join("Library/Jupyter"));
    }
    Ok(match std::env::var_os("XDG_DATA_HOME") {
        Some(data) => PathBuf::from(data).join("jupyter"),
        None => home::user_home()?.join(".local/share/jupyter"),
    })
}

/// The content of `kernel.json`.
fn kernelspec(program: &Path) -> Result<Value> {
    let mut spec: Value =
        serde_json::from_str(TEMPLATE).context("the kernelspec's template is damaged")?;
    if let Some(argv) = spec["argv"].as_array_mut() {
        argv[0] = json!(program);
    }
    // A Jupyter server started from a menu does not have cargo on its path.
    if let Some(bin) = rust_bin() {
        spec["env"]["CANDLEBOOK_RUST_BIN"] = json!(bin);
    }
    if let Some(home) = std::env::var_os("CANDLEBOOK_HOME") {
        spec["env"]["CANDLEBOOK_HOME"] = json!(std::path::absolute(home)?);
    }
    Ok(spec)
}

/// Copies this program into the home folder, so that the registration survives a rebuild. A program
/// that was installed with a compiled helper crate stays beside it.
fn copy_program() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot find the program's own path")?;
    if Shipped::find().is_some() {
        return Ok(program);
    }
    let folder = home::folder()?.join("bin");
    home::create_folder(&folder)?;
    let target = folder.join("candlebook");
    if program == target {
        return Ok(target);
    }
    // Copy and rename: a running kernel keeps its old file.
    let part = folder.join(format!("candlebook.part-{}", std::process::id()));
    std::fs::copy(&program, &part)
        .and_then(|_| std::fs::rename(&part, &target))
        .with_context(|| format!("cannot write {}", target.display()))?;
    Ok(target)
}

/// The folder on the path that has cargo.
fn rust_bin() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| folder.join("cargo").is_file())
}
