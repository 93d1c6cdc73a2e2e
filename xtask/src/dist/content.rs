//! The files of an installation, by their paths below its prefix.

use super::pack::Archive;
use super::{at, licenses};
use crate::workspace::Workspace;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const SHARE: &str = "share/candlebook-dist";
const KERNELSPEC: &str = "share/jupyter/kernels/candlebook";
/// The program, as seen from the kernelspec: Jupyter fills in its folder, so that the environment
/// may be anywhere and need not be active.
const PROGRAM: &str = "{resource_dir}/../../../../bin/candlebook";

/// A file of an installation.
pub(super) struct Entry {
    /// Its path below the prefix.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
    /// True for bytes that are compressed already.
    pub(super) is_packed: bool,
    /// True for a program.
    pub(super) is_program: bool,
}

impl Entry {
    pub(super) fn new(path: impl Into<String>, bytes: Vec<u8>) -> Entry {
        let path = path.into();
        Entry {
            is_packed: path.ends_with(".zst") || path.ends_with(".png"),
            path,
            bytes,
            is_program: false,
        }
    }

    pub(super) fn program(path: impl Into<String>, bytes: Vec<u8>) -> Entry {
        Entry {
            is_program: true,
            ..Entry::new(path, bytes)
        }
    }
}

/// All files of an installation.
pub(super) struct Content {
    pub(super) version: String,
    pub(super) program: Entry,
    /// Files below `share`.
    pub(super) shared: Vec<Entry>,
    /// License texts, by file name.
    pub(super) licenses: Vec<Entry>,
    pub(super) readme: String,
}

impl Content {
    pub(super) fn collect(
        workspace: &Workspace,
        program: &Path,
        archive: &Archive,
    ) -> Result<Content, String> {
        let specs = workspace.root.join("kernel-spec");
        let mut shared = vec![Entry::new(
            format!("{KERNELSPEC}/kernel.json"),
            kernelspec(&specs)?,
        )];
        for logo in ["logo-32x32.png", "logo-64x64.png", "logo-svg.svg"] {
            shared.push(Entry::new(
                format!("{KERNELSPEC}/{logo}"),
                read(&specs.join(logo))?,
            ));
        }
        let notebook = workspace.root.join("notebooks/mnist_autoencoder.ipynb");
        for file in [archive.path.clone(), archive.description.clone(), notebook] {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            shared.push(Entry::new(format!("{SHARE}/{name}"), read(&file)?));
        }
        let readme = read(&workspace.root.join("README.md"))?;
        Ok(Content {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            program: Entry::program("bin/candlebook", read(program)?),
            shared,
            licenses: license_files(workspace)?,
            readme: String::from_utf8_lossy(&readme).into_owned(),
        })
    }
}

fn license_files(workspace: &Workspace) -> Result<Vec<Entry>, String> {
    let mut files = Vec::new();
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        files.push(Entry::new(name, read(&workspace.root.join(name))?));
    }
    let assets = read(&workspace.root.join("assets/README.md"))?;
    files.push(Entry::new("ASSETS.md", assets));
    let text = licenses::text(workspace)?;
    files.push(Entry::new("THIRD-PARTY.txt", text.into_bytes()));
    Ok(files)
}

fn kernelspec(specs: &Path) -> Result<Vec<u8>, String> {
    let path: PathBuf = specs.join("kernel.json");
    let mut spec: Value =
        serde_json::from_slice(&read(&path)?).map_err(|error| at(&path, error))?;
    spec["argv"][0] = json!(PROGRAM);
    Ok(format!("{spec:#}\n").into_bytes())
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| at(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernelspec_finds_the_program_from_its_own_folder() {
        let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernel-spec");
        let spec: Value = serde_json::from_slice(&kernelspec(&specs).unwrap()).unwrap();
        assert_eq!(spec["argv"][0], PROGRAM);
        assert_eq!(spec["argv"][1], "kernel");
        // As many steps up as the kernelspec's folder is below the prefix.
        assert_eq!(PROGRAM.matches("..").count(), KERNELSPEC.split('/').count());
    }
}
