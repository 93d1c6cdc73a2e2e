//! Source files of the helper crate and of the dependencies that it re-exports.

use super::cargo::cargo_home;
use super::helper::{LOCK_FILE, embedded_files};
use std::path::{Path, PathBuf};

/// The helper's source files, each with its path relative to `src`.
pub(crate) fn helper_sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    embedded_files().into_iter().filter_map(|file| {
        let path = file.path().to_str().filter(|path| path.ends_with(".rs"))?;
        Some((path, file.contents_utf8()?))
    })
}

/// The source files of a dependency in cargo's registry, each with its path relative to `src`. Empty
/// if cargo keeps them elsewhere.
pub(crate) fn dependency_sources(name: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    if let Some(folder) = source_folder(name) {
        collect(&folder, &folder, &mut files);
    }
    files
}

fn source_folder(name: &str) -> Option<PathBuf> {
    let package = format!("{name}-{}", locked_version(LOCK_FILE, name)?);
    let registries = std::fs::read_dir(cargo_home().ok()?.join("registry/src")).ok()?;
    let mut folders = registries
        .flatten()
        .map(|registry| registry.path().join(&package).join("src"));
    folders.find(|folder| folder.is_dir())
}

/// The version of a package in a lock file.
fn locked_version(lock_file: &str, name: &str) -> Option<String> {
    let lock: toml::Table = lock_file.parse().ok()?;
    let mut packages = lock.get("package")?.as_array()?.iter();
    let package =
        packages.find(|package| package.get("name").and_then(|it| it.as_str()) == Some(name))?;
    Some(package.get("version")?.as_str()?.to_owned())
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && let (Ok(relative), Ok(text)) =
                (path.strip_prefix(root), std::fs::read_to_string(&path))
        {
            files.push((relative.to_string_lossy().into_owned(), text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_of_helper_and_candle_are_found() {
        assert!(helper_sources().any(|(path, _)| path == "train/fit.rs"));
        assert!(locked_version(LOCK_FILE, "candle-core").is_some());
        assert_eq!(locked_version(LOCK_FILE, "no such package"), None);
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/b.rs"), "fn f() {}").unwrap();
        std::fs::write(folder.path().join("c.txt"), "").unwrap();
        let mut files = Vec::new();
        collect(folder.path(), folder.path(), &mut files);
        assert_eq!(files, [("a/b.rs".to_owned(), "fn f() {}".to_owned())]);
    }
}
