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
mod tarball;
mod trial;

pub(crate) use trial::{bench, step};

use crate::workspace::Workspace;
use content::Content;
use std::path::{Path, PathBuf};

/// Largest wheel: package indexes accept 100 MB.
const MAX_WHEEL_BYTES: u64 = 95_000_000;

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

/// Builds wheel and tarball.
///
/// # Errors
/// If a stage fails, a shipped text names a folder of this machine, or the wheel is too large.
pub(crate) fn dist() -> Result<(), String> {
    let wheel = build_wheel(&Workspace::new()?)?;
    println!(
        "xtask: {} ({:.1} MB)",
        wheel.display(),
        size(&wheel)? as f64 / 1e6
    );
    Ok(())
}

/// Builds wheel and tarball, and returns the wheel.
fn build_wheel(workspace: &Workspace) -> Result<PathBuf, String> {
    let dist = Dist::new(workspace);
    check_documented(workspace)?;
    let program = build::program(workspace, &dist)?;
    let seed = build::seed(&dist, &program)?;
    stage::fill(&dist, &seed)?;
    paths::check(workspace, &dist)?;
    let archive = pack::archive(&dist, &seed)?;
    let content = Content::collect(workspace, &program, &archive)?;
    let platform = symbols::platform(&program, &dist.stage())?;
    let wheel = wheel::write(&dist, &content, &platform)?;
    tarball::write(&dist, &content)?;
    let bytes = size(&wheel)?;
    if bytes > MAX_WHEEL_BYTES {
        return Err(format!(
            "expected a wheel of at most {MAX_WHEEL_BYTES} bytes, got {bytes}: {}",
            wheel.display()
        ));
    }
    Ok(wheel)
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
    let version = sources::rustc(&["-vV"])?;
    for name in DOCUMENTED_IN {
        let path = workspace.root.join(name);
        let text = std::fs::read_to_string(&path).map_err(|error| at(&path, error))?;
        check_names(&text, &version).map_err(|error| at(&path, error))?;
    }
    Ok(())
}

fn check_names(text: &str, version: &str) -> Result<(), String> {
    let lines = version.lines();
    let mut releases = lines.filter_map(|line| line.strip_prefix("release: "));
    let release = releases.next().unwrap_or("of unknown release");
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
        let version = "rustc 1.95.0 (f00 2026-04-01)\nrelease: 1.95.0\n";
        assert_eq!(
            check_names("rustup toolchain install 1.95.0", version),
            Ok(())
        );
        let error = check_names("rustup toolchain install 1.96.0", version).unwrap_err();
        assert!(error.ends_with("got rustc 1.95.0. Build with that one, or change the texts"));
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
