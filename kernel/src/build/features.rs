//! Candle's GPU features of the helper crate. `install` saves the selection in the home folder,
//! and kernels read it there.

use super::nvcc::{find_nvcc, toolkit_version};
use crate::home;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const KNOWN: [&str; 5] = ["cuda", "cudnn", "nccl", "metal", "accelerate"];
/// Variables that the build scripts of candle's CUDA crates read. A change reruns them, for
/// minutes, so kernels get the values recorded by `install`, even if the Jupyter server was not
/// started from a shell.
const VARIABLES: [&str; 9] = [
    "CUDA_HOME",
    "CUDA_PATH",
    "CUDA_ROOT",
    "CUDA_TOOLKIT_ROOT_DIR",
    "CUDNN_LIB",
    "CUDARC_CUDA_VERSION",
    "CUDA_COMPUTE_CAP",
    "NVCC",
    "NVCC_CCBIN",
];

/// Selected features, and the environment to build them in. Both are part of the seed's key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Features {
    names: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
}

impl Features {
    /// Parses names separated by commas, like cargo's `--features`. Order does not matter, and
    /// "cudnn" and "nccl" imply "cuda".
    ///
    /// # Errors
    /// If a name is unknown or belongs to another operating system.
    pub(crate) fn parse(text: &str) -> Result<Features, String> {
        let names: Vec<&str> = text
            .split([',', ' '])
            .filter(|name| !name.is_empty())
            .collect();
        if let Some(unknown) = names.iter().find(|name| !KNOWN.contains(name)) {
            let known = KNOWN.join(", ");
            return Err(format!(
                "expected one of {known}, got {unknown}. Join names by commas: --features cuda,cudnn"
            ));
        }
        check_system(&names)?;
        let implies_cuda = names.contains(&"cudnn") || names.contains(&"nccl");
        let wanted = |name: &&str| names.contains(name) || (*name == "cuda" && implies_cuda);
        Ok(Features::new(KNOWN.into_iter().filter(wanted)))
    }

    fn new<'a>(names: impl Iterator<Item = &'a str>) -> Features {
        Features {
            names: names.map(str::to_owned).collect(),
            environment: BTreeMap::new(),
        }
    }

    /// The selection of the last `install`, by default this program's own features.
    ///
    /// # Errors
    /// If the saved selection cannot be read, or CUDA was selected without a toolkit.
    pub(crate) fn chosen() -> Result<Features> {
        let path = file()?;
        if !path.exists() {
            return Features::compiled().with_environment();
        }
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let advice = || format!("{} is damaged. Run: candlebook install", path.display());
        toml::from_str(&text).with_context(advice)
    }

    /// The features that this program was compiled with.
    fn compiled() -> Features {
        let on = [
            cfg!(feature = "cuda"),
            cfg!(feature = "cudnn"),
            cfg!(feature = "nccl"),
            cfg!(feature = "metal"),
            cfg!(feature = "accelerate"),
        ];
        let enabled = KNOWN.into_iter().zip(on).filter(|(_, on)| *on);
        Features::new(enabled.map(|(name, _)| name))
    }

    /// Saves the selection for kernels that start from now on.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn save(&self) -> Result<()> {
        home::write_atomically(&file()?, toml::to_string(self)?.as_bytes())
    }

    /// Deletes the saved selection.
    ///
    /// # Errors
    /// If the file exists and cannot be deleted.
    pub(crate) fn forget() -> Result<()> {
        let path = file()?;
        match std::fs::remove_file(&path) {
            Err(error) if path.exists() => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// True if the feature is selected.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|selected| selected == name)
    }

    /// The names in a manifest's syntax: `"cuda", "cudnn"`.
    pub(crate) fn quoted(&self) -> String {
        self.names
            .iter()
            .map(|name| format!("{name:?}"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Records the environment of a CUDA build: the variables that are set, and detected values for
    /// the toolkit's version and folder if they are not.
    ///
    /// # Errors
    /// If CUDA is selected and nvcc is not found.
    pub(crate) fn with_environment(mut self) -> Result<Features> {
        if !self.has("cuda") {
            return Ok(self);
        }
        let Some(nvcc) = find_nvcc() else {
            bail!(
                "expected NVIDIA's CUDA toolkit for the feature cuda, got no nvcc. Install the toolkit, or set NVCC or \
                 CUDA_HOME; in a checkout, cargo xtask cuda makes one that needs no installation"
            );
        };
        let set = |name: &str| Some((name.to_owned(), std::env::var(name).ok()?));
        self.environment = VARIABLES.into_iter().filter_map(set).collect();
        let version = home::output(home::tool(&nvcc)?.arg("--version")).unwrap_or_default();
        if let Some(version) = toolkit_version(&version) {
            self.set_default("CUDARC_CUDA_VERSION", version);
        }
        // Kernels look for CUDA's libraries in `CUDA_HOME/lib64`.
        if let Some(folder) = toolkit_folder(&nvcc).filter(|folder| folder.join("lib64").is_dir()) {
            self.set_default("CUDA_HOME", folder.display().to_string());
        }
        self.set_default("NVCC", nvcc.display().to_string());
        Ok(self)
    }

    fn set_default(&mut self, name: &str, value: String) {
        self.environment.entry(name.into()).or_insert(value);
    }

    /// The variables of a build with their values; `None` if a variable must be unset.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        // Only CUDA's build scripts read them.
        let used = VARIABLES.into_iter().filter(|_| self.has("cuda"));
        used.map(|name| (name, self.environment.get(name).map(String::as_str)))
    }

    /// Sets the variables of a build for a command.
    pub(crate) fn apply(&self, command: &mut Command) {
        for (name, value) in self.variables() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }
}

/// Rejects features of another operating system.
fn check_system(names: &[&str]) -> Result<(), String> {
    let is_apple = |name: &str| ["metal", "accelerate"].contains(&name);
    let foreign = |name: &&&str| is_apple(name) != cfg!(target_os = "macos");
    let Some(name) = names.iter().find(foreign) else {
        return Ok(());
    };
    let (expected, other) = if cfg!(target_os = "macos") {
        ("metal or accelerate", "other systems")
    } else {
        ("cuda, cudnn or nccl", "macOS")
    };
    Err(format!(
        "expected {expected} on this system, got {name}, which is for {other}. Leave it out"
    ))
}

/// The toolkit's folder, two levels above its `bin/nvcc`.
fn toolkit_folder(nvcc: &Path) -> Option<PathBuf> {
    let nvcc = nvcc.canonicalize().ok()?;
    Some(nvcc.parent()?.parent()?.to_owned())
}

fn file() -> Result<PathBuf> {
    Ok(home::folder()?.join("features.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn names_are_validated_and_sorted() {
        assert_eq!(
            Features::parse("cudnn").unwrap().quoted(),
            r#""cuda", "cudnn""#
        );
        assert_eq!(
            Features::parse("cudnn,cuda"),
            Features::parse("cuda, cudnn")
        );
        assert_eq!(Features::parse("").unwrap(), Features::default());
        assert_eq!(
            Features::parse("cuda,cude").unwrap_err(),
            "expected one of cuda, cudnn, nccl, metal, accelerate, got cude. Join names by commas: --features cuda,cudnn"
        );
        assert_eq!(
            Features::parse("metal").unwrap_err(),
            "expected cuda, cudnn or nccl on this system, got metal, which is for macOS. Leave it out"
        );
    }

    #[test]
    fn saved_selection_round_trips() {
        let environment = BTreeMap::from([("NVCC".into(), "/opt/cuda/bin/nvcc".into())]);
        let features = Features {
            names: vec!["cuda".into()],
            environment,
        };
        let text = toml::to_string(&features).unwrap();
        assert_eq!(toml::from_str::<Features>(&text).unwrap(), features);
        let variables: Vec<_> = features
            .variables()
            .filter(|(_, value)| value.is_some())
            .collect();
        assert_eq!(variables, [("NVCC", Some("/opt/cuda/bin/nvcc"))]);
        assert_eq!(Features::default().variables().count(), 0);
    }
}
