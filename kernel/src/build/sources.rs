//! Folders with the sources of the dependencies that the helper crate re-exports.

use super::helper::LOCK_FILE;
use std::path::{Path, PathBuf};

/// The folder with the sources of the dependencies that the helper re-exports: a shipped seed's own,
/// otherwise cargo's registry.
pub(crate) fn sources_folder(seed: &Path, cargo_home: &Path) -> Option<PathBuf> {
    let shipped = seed.join("sources");
    if shipped.is_dir() {
        return Some(shipped);
    }
    let package = package_folder("candle-core")?;
    let registries = std::fs::read_dir(cargo_home.join("registry/src")).ok()?;
    let mut registries = registries.flatten().map(|registry| registry.path());
    registries.find(|registry| registry.join(&package).is_dir())
}

/// The name of a dependency's folder in a registry.
pub(super) fn package_folder(name: &str) -> Option<String> {
    Some(format!("{name}-{}", locked_version(LOCK_FILE, name)?))
}

/// The version of a package in a lock file.
fn locked_version(lock_file: &str, name: &str) -> Option<String> {
    let lock: toml::Table = lock_file.parse().ok()?;
    let mut packages = lock.get("package")?.as_array()?.iter();
    let package =
        packages.find(|package| package.get("name").and_then(|it| it.as_str()) == Some(name))?;
    Some(package.get("version")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_dependencies_are_those_of_the_lock_file() {
        assert!(locked_version(LOCK_FILE, "candle-core").is_some());
        assert_eq!(locked_version(LOCK_FILE, "no such package"), None);
    }

    #[test]
    fn a_seeds_own_sources_precede_those_of_the_registry() {
        let folder = tempfile::tempdir().unwrap();
        let seed = folder.path().join("seed");
        let package = package_folder("candle-core").unwrap();
        let registry = folder.path().join("registry/src/index");
        std::fs::create_dir_all(registry.join(package)).unwrap();
        assert_eq!(sources_folder(&seed, folder.path()), Some(registry));
        std::fs::create_dir_all(seed.join("sources")).unwrap();
        assert_eq!(
            sources_folder(&seed, folder.path()),
            Some(seed.join("sources"))
        );
    }
}
