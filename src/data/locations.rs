//! Folders that may hold a data set, in search order.
//!
//! The kernel's doctor includes this file by its path, so it uses the standard library only.

use std::path::{Path, PathBuf};

/// Folder names of a data set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Location {
    /// Subfolder of `$CANDLEBOOK_DATA` and of the cache.
    pub(crate) folder: &'static str,
    /// Folder of the system's package, if a distribution has one.
    pub(crate) system: Option<&'static str>,
}

/// MNIST's folders.
pub(crate) const MNIST: Location = Location {
    folder: "mnist",
    system: Some("/usr/share/datasets/mnist"),
};
/// Fashion-MNIST's folders; the last is that of Debian's package `dataset-fashion-mnist`.
pub(crate) const FASHION_MNIST: Location = Location {
    folder: "fashion-mnist",
    system: Some("/usr/share/datasets/fashion-mnist"),
};
/// CIFAR-10's folders.
pub(crate) const CIFAR10: Location = Location {
    folder: "cifar10",
    system: None,
};

impl Location {
    /// The folders to search: `$CANDLEBOOK_DATA/<folder>`, `$CANDLEBOOK_DATA`, the cache, the
    /// system's package.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        if let Some(data) = std::env::var_os("CANDLEBOOK_DATA").map(PathBuf::from) {
            folders.extend([data.join(self.folder), data]);
        }
        folders.extend(self.cache());
        folders.extend(self.system.map(PathBuf::from));
        folders
    }

    /// The first folder that holds all of these files, each plain or gzipped.
    pub(crate) fn find(&self, files: &[&str]) -> Option<PathBuf> {
        let complete = |folder: &PathBuf| {
            files
                .iter()
                .all(|file| plain_or_gzipped(folder, file).is_some())
        };
        self.folders().into_iter().find(complete)
    }

    /// The cache folder for downloads of this data set; `None` without a home folder.
    pub(crate) fn cache(&self) -> Option<PathBuf> {
        cache_folder().map(|cache| cache.join(self.folder))
    }
}

/// The path of `name` or `name.gz` in the folder, if one is a file.
pub(crate) fn plain_or_gzipped(folder: &Path, name: &str) -> Option<PathBuf> {
    let candidates = [folder.join(name), folder.join(format!("{name}.gz"))];
    candidates.into_iter().find(|path| path.is_file())
}

/// The cache for downloads and packed frames: `$CANDLEBOOK_CACHE`, else
/// `$XDG_CACHE_HOME/candlebook`, else `~/.cache/candlebook`. `None` without a home folder.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    if let Some(cache) = std::env::var_os("CANDLEBOOK_CACHE") {
        return Some(cache.into());
    }
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    base.or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .map(|base| base.join("candlebook"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn find_skips_folders_with_missing_files_and_accepts_gzip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert_eq!(plain_or_gzipped(path, "a"), None);
        std::fs::write(path.join("a.gz"), b"").unwrap();
        assert_eq!(plain_or_gzipped(path, "a"), Some(path.join("a.gz")));
        std::fs::write(path.join("a"), b"").unwrap();
        assert_eq!(plain_or_gzipped(path, "a"), Some(path.join("a")));
        let system = Box::leak(path.display().to_string().into_boxed_str());
        let location = Location {
            folder: "no-such-data-set",
            system: Some(system),
        };
        assert_eq!(location.find(&["a"]), Some(path.to_owned()));
        assert_eq!(location.find(&["a", "b"]), None);
    }
}
