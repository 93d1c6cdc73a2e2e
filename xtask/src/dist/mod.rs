//! `cargo xtask dist`: the program and its compiled helper crate, as a wheel and a tarball.
//!
//! Each stage writes into `target/dist`. An unchanged seed is neither built nor compressed again.

mod build;
mod current;
mod stage;
mod sources;
mod paths;
mod pack;
mod licenses;
mod symbols;
mod content;
mod wheel;
mod compiler;
mod tarball;
mod trial;

pub(crate) use trial::{bench, containers, step};

use crate::workspace::Workspace;
use content::Content;
use std::path::{Path, PathBuf};

/// The folder of the stages.
struct Dist {
    folder: PathBuf,
}

impl Dist {
    fn new(workspace: &Workspace) -> Dist {
        Dist {
            folder: workspace.target.join("dist"),
        }
    }

    /// The home folder of the build, inside a folder of neutral name.
    fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// The part of the seed that is shipped.
    fn stage(&self) -> PathBuf {
        self.folder.join("stage")
    }

    fn wheels(&self) -> PathBuf {
        self.folder.join("wheels")
    }
}

/// Builds the wheels and the tarball.
///
/// # Errors
/// If a stage fails, a shipped text names a folder of this machine, or a wheel is too large.
pub(crate) fn dist() -> Result<(), String> {
    for wheel in build_wheels(&Workspace::new()?)? {
        println!(
            "xtask: {} ({:.1} MB)",
            wheel.display(),
            size(&wheel)? as f64 / 1e6
        );
    }
    Ok(())
}

/// Builds the wheels and the tarball, and returns the wheels: the program's, then those of the
/// compiler.
fn build_wheels(workspace: &Workspace) -> Result<Vec<PathBuf>, String> {
    let dist = Dist::new(workspace);
    check_documented(workspace)?;
    let program = build::program(workspace, &dist)?;
    let seed = build::seed(&dist, &program)?;
    stage::fill(&dist, &seed)?;
    paths::check(workspace, &dist)?;
    let archive = pack::archive(&dist, &seed)?;
    let content = Content::collect(workspace, &program, &archive)?;
    let platform = symbols::platform(&program, &dist.stage())?;
    let wheel = wheel::program(&content, &platform, &compiler::release()?).write(&dist)?;
    tarball::write(&dist, &content)?;
    let mut wheels = vec![wheel];
    wheels.extend(compiler::write(&dist)?);
    Ok(wheels)
}

/// Texts that tell users which compiler the wheel needs.
const DOCUMENTED_IN: [&str; 5] = [
    "README.md",
    "docs/install.md",
    "packaging/Dockerfile",
    "packaging/conda/meta.yaml",
    "binder/postBuild",
];

/// Fails if the compiler is another one than users are told to install.
fn check_documented(workspace: &Workspace) -> Result<(), String> {
    let release = compiler::release()?;
    for name in DOCUMENTED_IN {
        let path = workspace.root.join(name);
        let text = std::fs::read_to_string(&path).map_err(|error| at(&path, error))?;
        check_names(&text, &release).map_err(|error| at(&path, error))?;
    }
    Ok(())
}

fn check_names(text: &str, release: &str) -> Result<(), String> {
    if text.contains(release) {
        return Ok(());
    }
    Err(format!(
        "expected the compiler that this text names, got rustc {release}. Build with that one, or \
         change the texts"
    ))
}

fn size(path: &Path) -> Result<u64, String> {
    let found = std::fs::metadata(path);
    found
        .map(|file| file.len())
        .map_err(|error| at(path, error))
}

/// An error with the path that it is about.
fn at(path: &Path, error: impl std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

/// The files below a folder, in order of their paths.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|error| at(folder, error))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Writes a file and the folders above it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, bytes))
        .map_err(|error| at(path, error))
}

/// Copies a file, and creates the folders above its copy.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let folder = to.parent().unwrap_or(to);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::copy(from, to).map(drop))
        .map_err(|error| at(from, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_name_the_compiler_that_builds() {
        let text = "rustup toolchain install 1.95.0";
        assert_eq!(check_names(text, "1.95.0"), Ok(()));
        let error = check_names(text, "1.96.0").unwrap_err();
        assert!(error.ends_with("got rustc 1.96.0. Build with that one, or change the texts"));
    }

    #[test]
    fn files_are_found_in_order_at_every_depth() {
        let folder = std::env::temp_dir().join(format!("xtask-dist-{}", std::process::id()));
        for name in ["b", "a/z", "a/b/c"] {
            write(&folder.join(name), b"").unwrap();
        }
        let found = files_below(&folder).unwrap();
        let names = ["a/b/c", "a/z", "b"].map(|name| folder.join(name));
        assert_eq!(found, names);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
