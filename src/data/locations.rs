//! Folders that may hold a data set, in search order.
//!
//! The kernel's doctor includes this file by its path, so it uses the standard library only.

use std::ffi::OsString;
use std::path::PathBuf;

/// Folder names of a data set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Location {
    /// Subfolder of `$CANDLEBOOK_DATA` and of the cache.
    pub(crate) folder: &'static str,
    /// Subfolder of `$CANDLEBOOK_DATA` that torchvision writes, if it keeps the same files.
    pub(crate) torchvision: Option<&'static str>,
    /// Folder of the system's package, if a distribution has one.
    pub(crate) system: Option<&'static str>,
}

/// A folder that may hold a data set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DataFolder {
    pub(crate) path: PathBuf,
    /// True for `$CANDLEBOOK_DATA` itself, which may hold any data set.
    pub(crate) shared: bool,
}

impl DataFolder {
    /// A sentence if this is `$CANDLEBOOK_DATA` and does not exist: others need not.
    pub(crate) fn absence(&self) -> Option<String> {
        let absent = self.shared && !self.path.exists();
        absent.then(|| format!("{} does not exist", self.path.display()))
    }
}

/// MNIST's folders.
pub(crate) const MNIST: Location = Location {
    folder: "mnist",
    torchvision: Some("MNIST/raw"),
    system: Some("/usr/share/datasets/mnist"),
};
/// Fashion-MNIST's folders; the last is that of Debian's package `dataset-fashion-mnist`.
pub(crate) const FASHION_MNIST: Location = Location {
    folder: "fashion-mnist",
    torchvision: Some("FashionMNIST/raw"),
    system: Some("/usr/share/datasets/fashion-mnist"),
};
/// CIFAR-10's folders. torchvision keeps the Python version.
pub(crate) const CIFAR10: Location = Location {
    folder: "cifar10",
    torchvision: None,
    system: None,
};

impl Location {
    /// The folders to search: `$CANDLEBOOK_DATA/<folder>`, torchvision's in `$CANDLEBOOK_DATA`,
    /// `$CANDLEBOOK_DATA`, the cache, the system's package.
    pub(crate) fn folders(&self) -> Vec<DataFolder> {
        self.folders_in(std::env::var_os("CANDLEBOOK_DATA").map(PathBuf::from))
    }

    fn folders_in(&self, data: Option<PathBuf>) -> Vec<DataFolder> {
        let own = |path| DataFolder {
            path,
            shared: false,
        };
        let mut folders = Vec::new();
        if let Some(data) = data {
            let names = [Some(self.folder), self.torchvision];
            folders.extend(names.into_iter().flatten().map(|name| own(data.join(name))));
            folders.push(DataFolder {
                path: data,
                shared: true,
            });
        }
        folders.extend(self.cache().map(own));
        folders.extend(self.system.map(PathBuf::from).map(own));
        folders
    }

    /// The cache folder for downloads of this data set; `None` without a home folder.
    pub(crate) fn cache(&self) -> Option<PathBuf> {
        cache_folder().map(|cache| cache.join(self.folder))
    }
}

/// The cache for downloads and packed frames: `$CANDLEBOOK_CACHE`, else
/// `$XDG_CACHE_HOME/candlebook`, else `~/.cache/candlebook`. `None` without a home folder.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    resolve(
        std::env::var_os("CANDLEBOOK_CACHE"),
        std::env::var_os("XDG_CACHE_HOME"),
        std::env::home_dir(),
    )
}

fn resolve(
    candlebook: Option<OsString>,
    xdg: Option<OsString>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    if let Some(folder) = candlebook {
        return Some(folder.into());
    }
    xdg.map(PathBuf::from)
        .or_else(|| home.map(|home| home.join(".cache")))
        .map(|caches| caches.join("candlebook"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn candlebook_cache_wins_over_xdg_cache_home_and_that_over_home() {
        let (own, xdg, home) = (Some("/c".into()), Some("/x".into()), Some("/h".into()));
        let cases = [
            (resolve(own, xdg.clone(), home.clone()), "/c"),
            (resolve(None, xdg, home.clone()), "/x/candlebook"),
            (resolve(None, None, home), "/h/.cache/candlebook"),
        ];
        for (folder, expected) in cases {
            assert_eq!(folder, Some(PathBuf::from(expected)));
        }
        assert_eq!(resolve(None, None, None), None);
    }

    #[test]
    fn a_set_s_own_folders_come_before_the_shared_one_and_the_system_s_last() {
        let folders = FASHION_MNIST.folders_in(Some("/data".into()));
        let start: Vec<_> = folders[..3]
            .iter()
            .map(|folder| (folder.path.to_str().unwrap(), folder.shared))
            .collect();
        let expected = [
            ("/data/fashion-mnist", false),
            ("/data/FashionMNIST/raw", false),
            ("/data", true),
        ];
        assert_eq!(start, expected);
        let last = folders.last().unwrap();
        assert_eq!(last.path, Path::new("/usr/share/datasets/fashion-mnist"));
        assert!(folders.iter().skip(3).all(|folder| !folder.shared));
        assert!(CIFAR10.folders_in(None).iter().all(|folder| !folder.shared));
    }
}
