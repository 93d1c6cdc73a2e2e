//! Source files of the helper crate and of the dependencies that it re-exports.

use super::cargo::{ANSWERS, cargo_home};
use super::helper::embedded_files;
use super::sources::{package_folder, sources_folder};
use crate::toolchain;
use std::path::{Path, PathBuf};

/// The helper's source files, each with its path relative to `src`.
pub(crate) fn helper_sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    embedded_files().into_iter().filter_map(|file| {
        let path = file.path().to_str().filter(|path| path.ends_with(".rs"))?;
        Some((path, file.contents_utf8()?))
    })
}

/// The source files of a dependency, each with its path relative to `src`. Empty if neither the seed
/// nor cargo's registry has them.
pub(crate) fn dependency_sources(name: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let package = package_folder(name);
    let seed = std::env::var_os(ANSWERS).map(PathBuf::from);
    let sources = seed.and_then(|answers| sources_folder(answers.parent()?, &cargo_home().ok()?));
    if let (Some(package), Some(sources)) = (package, sources) {
        let folder = sources.join(package).join("src");
        collect(&folder, &folder, &mut files);
    }
    files
}

/// The folder with the sources of the standard library: a shipped seed's own, otherwise the
/// toolchain's.
pub(crate) fn standard_library_folder() -> Option<PathBuf> {
    let sysroot = toolchain::sysroot().ok()?;
    let answers = std::env::var_os(ANSWERS).map(PathBuf::from);
    match answers.as_deref().and_then(Path::parent) {
        Some(seed) => Some(toolchain::rust_src(seed, &sysroot)),
        None => Some(toolchain::rust_src(Path::new(""), &sysroot)),
    }
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
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/b.rs"), "fn f() {}").unwrap();
        std::fs::write(folder.path().join("c.txt"), "").unwrap();
        let mut files = Vec::new();
        collect(folder.path(), folder.path(), &mut files);
        assert_eq!(files, [("a/b.rs".to_owned(), "fn f() {}".to_owned())]);
    }
}
