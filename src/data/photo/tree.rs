//! [`PhotoTree`]: the photographs below a folder, by folder. Only names are held in memory.

use crate::cell::check_stopped;
use crate::data::photo::ignored::is_ignored;
use crate::error::{Error, Result};
use crate::file::extension;
use crate::show::StatusLine;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::ops::Bound;
use std::path::{Path, PathBuf};

/// File name extensions of photographs, in any case.
const EXTENSIONS: [&str; 6] = ["jpg", "jpeg", "png", "webp", "bmp", "gif"];

/// File names of photographs by folder. Names need not be UTF-8.
pub(crate) type PhotoNames = BTreeMap<PathBuf, Vec<Box<OsStr>>>;

/// The photographs below a folder, and all folders there. Hidden files and folders, and those that
/// programs leave, are not in it.
#[derive(Debug, Default)]
pub(crate) struct PhotoTree {
    pub(crate) names: PhotoNames,
    folders: BTreeSet<PathBuf>,
}

impl PhotoTree {
    /// Lists the photographs below a folder. Links are followed; each folder is visited once, even
    /// if links form a cycle.
    ///
    /// # Errors
    /// If a folder cannot be read, if there are no photographs, and on Stop.
    pub(crate) fn list(root: &Path) -> Result<PhotoTree> {
        let mut listing = Listing::new(root);
        let mut visited = HashSet::new();
        let mut open = vec![root.to_owned()];
        while let Some(folder) = open.pop() {
            let real = folder.canonicalize().map_err(Error::io("read", &folder))?;
            if visited.insert(real) {
                open.extend(listing.add(&folder)?);
                listing.tree.folders.insert(folder);
            }
        }
        listing.finish()
    }

    /// True if photographs lie directly in the folder.
    pub(crate) fn has_own(&self, folder: &Path) -> bool {
        self.names.contains_key(folder)
    }

    /// True if photographs lie in the folder or below it.
    pub(crate) fn has_any(&self, folder: &Path) -> bool {
        let from = (Bound::Included(folder), Bound::Unbounded);
        let mut names = self.names.range::<Path, _>(from);
        names
            .next()
            .is_some_and(|(path, _)| path.starts_with(folder))
    }

    /// The folders directly in a folder, sorted by name.
    pub(crate) fn children(&self, folder: &Path) -> Vec<PathBuf> {
        let from = (Bound::Excluded(folder), Bound::Unbounded);
        let below = self.folders.range::<Path, _>(from);
        let below = below.take_while(|path| path.starts_with(folder));
        let children = below.filter(|path| path.parent() == Some(folder));
        children.cloned().collect()
    }
}

/// The files found so far.
struct Listing<'a> {
    root: &'a Path,
    tree: PhotoTree,
    photos: usize,
    others: usize,
    line: StatusLine,
}

impl<'a> Listing<'a> {
    fn new(root: &'a Path) -> Self {
        Listing {
            root,
            tree: PhotoTree::default(),
            photos: 0,
            others: 0,
            line: StatusLine::new(),
        }
    }

    /// Adds the photographs of a folder; returns its subfolders.
    fn add(&mut self, folder: &Path) -> Result<Vec<PathBuf>> {
        let mut subfolders = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(Error::io("read", folder))? {
            check_stopped()?;
            let entry = entry.map_err(Error::io("read", folder))?;
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type().map_err(Error::io("read", &path))?;
            // `is_dir` follows a link; a dangling one is no folder.
            let is_folder = if kind.is_symlink() {
                path.is_dir()
            } else {
                kind.is_dir()
            };
            if is_ignored(&name) || !(is_folder || is_photo(&path)) {
                self.others += 1;
            } else if is_folder {
                subfolders.push(path);
            } else {
                self.photos += 1;
                let names = self.tree.names.entry(folder.to_owned());
                names.or_default().push(name.into());
                let (root, photos) = (self.root, self.photos);
                self.line.update(|| progress(root, photos));
            }
        }
        Ok(subfolders)
    }

    /// The tree.
    fn finish(mut self) -> Result<PhotoTree> {
        let (root, photos) = (self.root, self.photos);
        self.line.finish(|| progress(root, photos));
        if self.photos > 0 {
            return Ok(self.tree);
        }
        let got = match self.others {
            0 => "an empty folder".into(),
            1 => "1 other file".into(),
            n => format!("{n} other files"),
        };
        Err(no_images(self.root, got))
    }
}

/// The error for a folder without images.
pub(crate) fn no_images(folder: &Path, got: String) -> Error {
    let expected = "images (.jpg, .jpeg, .png, .webp, .bmp, .gif)";
    let hint = "Choose the folder that holds the images or the folders of their classes";
    Error::file(folder, expected, got, hint)
}

fn progress(root: &Path, photos: usize) -> String {
    format!("{}: {photos} photographs found", root.display())
}

/// Returns true if the file has an image's extension.
fn is_photo(path: &Path) -> bool {
    EXTENSIONS.contains(&extension(path).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_extensions_are_no_photographs() {
        for name in ["a.jpg", "b.JPEG", "c.d.png"] {
            assert!(is_photo(Path::new(name)), "{name}");
        }
        for name in ["a.txt", "jpg", "a.jpg.part"] {
            assert!(!is_photo(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn a_tree_knows_folders_with_photographs_and_without() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in [
            "a/1.png",
            "a/.hidden/2.png",
            "a-b/3.txt",
            "b/deep/4.png",
            "b/.5.png",
        ] {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        let tree = PhotoTree::list(root).unwrap();
        let [a, other, b, deep] = ["a", "a-b", "b", "b/deep"].map(|name| root.join(name));
        assert_eq!(tree.children(root), [a.clone(), other.clone(), b.clone()]);
        assert_eq!(tree.children(&b), std::slice::from_ref(&deep));
        assert_eq!(Vec::from_iter(tree.names.keys()), [&a, &deep]);
        assert!(tree.has_own(&a) && !tree.has_own(&b) && tree.has_any(&b));
        assert!(!tree.has_any(&other) && tree.has_any(root));
    }
}
