//! What the helper crate is built with: candle's features for GPUs. `install` chooses, kernels find the choice in the home
//! folder.

use crate::build::nvcc::find_nvcc;
use crate::home;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

const KNOWN: [&str; 4] = ["cuda", "cudnn", "metal", "accelerate"];
/// What the build scripts of candle's CUDA crates read. They run again, for minutes, where one has changed: so kernels get
/// the values of `install`, also from a Jupyter server that was not started from a shell.
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

/// Features, and the environment they were built in. Both are part of the seed's key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Features {
    names: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
}

/// Reads names joined by commas, as cargo's `--features` has them. The order does not matter: "cudnn" is "cuda,cudnn".
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
    let of_macs = |name: &&&str| ["metal", "accelerate"].contains(name);
    if let Some(foreign) = names
        .iter()
        .find(|name| of_macs(name) != cfg!(target_os = "macos"))
    {
        let (here, there) = if cfg!(target_os = "macos") {
            ("metal or accelerate", "other systems")
        } else {
            ("cuda or cudnn", "macOS")
        };
        return Err(format!(
            "expected {here} on this system, got {foreign}, which is for {there}. Leave it out"
        ));
    }
    let wanted =
        |name: &&str| names.contains(name) || (*name == "cuda" && names.contains(&"cudnn"));
    let names = KNOWN
        .into_iter()
        .filter(wanted)
        .map(str::to_owned)
        .collect();
    Ok(Features {
        names,
        environment: BTreeMap::new(),
    })
}

impl Features {
    /// What the last `install` chose, else what this program was compiled with.
    pub(crate) fn chosen() -> Result<Features> {
        let path = file()?;
        if !path.exists() {
            return Features::compiled().with_environment();
        }
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let advice = || {
            format!(
                "{} is damaged. Run candlebook install again",
                path.display()
            )
        };
        toml::from_str(&text).with_context(advice)
    }

    /// What this program was compiled with.
    pub(crate) fn compiled() -> Features {
        let on = [
            cfg!(feature = "cuda"),
            cfg!(feature = "cudnn"),
            cfg!(feature = "metal"),
            cfg!(feature = "accelerate"),
        ];
        let names = KNOWN
            .into_iter()
            .zip(on)
            .filter(|(_, on)| *on)
            .map(|(name, _)| name.to_owned())
            .collect();
        Features {
            names,
            environment: BTreeMap::new(),
        }
    }

    /// Makes it the choice for kernels that start from now on.
    pub(crate) fn save(&self) -> Result<()> {
        home::write_atomically(&file()?, toml::to_string(self)?.as_bytes())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    /// As in a manifest: `"cuda", "cudnn"`.
    pub(crate) fn quoted(&self) -> String {
        self.names
            .iter()
            .map(|name| format!("{name:?}"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Notes what CUDA will be built with: the variables that are set, and what they leave open as it is found now.
    ///
    /// # Errors
    /// No compiler for CUDA.
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
        if let Some(version) =
            toolkit_version(&home::output(Command::new(&nvcc).arg("--version")).unwrap_or_default())
        {
            self.environment
                .entry("CUDARC_CUDA_VERSION".into())
                .or_insert(version);
        }
        // Where CUDA's libraries lie is where kernels look for them.
        let folder = nvcc
            .canonicalize()
            .ok()
            .and_then(|nvcc| Some(nvcc.parent()?.parent()?.to_owned()));
        if let Some(folder) = folder.filter(|folder| folder.join("lib64").is_dir()) {
            self.environment
                .entry("CUDA_HOME".into())
                .or_insert(folder.display().to_string());
        }
        self.environment
            .entry("NVCC".into())
            .or_insert(nvcc.display().to_string());
        Ok(self)
    }

    /// The variables of builds: what each is to be, None for not set.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        // Without CUDA nothing reads them.
        let ours = VARIABLES.into_iter().filter(|_| self.has("cuda"));
        ours.map(|name| (name, self.environment.get(name).map(String::as_str)))
    }

    /// Gives a program the variables of builds.
    pub(crate) fn apply(&self, command: &mut Command) {
        for (name, value) in self.variables() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }
}

/// Takes the choice back.
pub(crate) fn forget() -> Result<()> {
    let path = file()?;
    match std::fs::remove_file(&path) {
        Err(error) if path.exists() => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn file() -> Result<PathBuf> {
    Ok(home::folder()?.join("features.toml"))
}

/// The version in what `nvcc --version` prints, as cudarc wants it: 13.0 is 13000.
fn toolkit_version(text: &str) -> Option<String> {
    let (major, minor) = text
        .split("release ")
        .nth(1)?
        .split(',')
        .next()?
        .trim()
        .split_once('.')?;
    Some((major.parse::<u32>().ok()? * 1000 + minor.parse::<u32>().ok()? * 10).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn names_are_checked_and_put_in_order() {
        assert_eq!(parse("cudnn").unwrap().quoted(), r#""cuda", "cudnn""#);
        assert_eq!(parse("cudnn,cuda"), parse("cuda, cudnn"));
        assert_eq!(parse("").unwrap(), Features::default());
        assert_eq!(
            parse("cuda,cude").unwrap_err(),
            "expected one of cuda, cudnn, metal, accelerate, got cude. Join names by commas: --features cuda,cudnn"
        );
        assert_eq!(
            parse("metal").unwrap_err(),
            "expected cuda or cudnn on this system, got metal, which is for macOS. Leave it out"
        );
    }

    #[test]
    fn the_file_keeps_names_and_environment() {
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

    #[test]
    fn the_toolkits_version_is_found() {
        let text = "nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, release 12.8, V12.8.93\n";
        assert_eq!(toolkit_version(text).as_deref(), Some("12080"));
        assert_eq!(toolkit_version("nothing"), None);
    }
}
