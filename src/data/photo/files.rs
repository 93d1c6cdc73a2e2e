//! [`PhotoFiles`]: the photographs below a folder.
//!
//! Only names are held in memory.

use crate::cell::check_stopped;
use crate::data::photo::source::PhotoSource;
use crate::error::{Error, Result};
use crate::file::{Limits, decode_image, extension, read_file};
use crate::show::StatusLine;
use image::RgbImage;
use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// File name extensions of photographs, in any case.
const EXTENSIONS: [&str; 6] = ["jpg", "jpeg", "png", "webp", "bmp", "gif"];

/// The photographs below a folder, in the order of their names. Names need not be UTF-8.
#[derive(Debug)]
pub(crate) struct PhotoFiles {
    root: PathBuf,
    folders: Vec<PathBuf>,
    names: Vec<FileName>,
    /// The class of each file; empty if there are photographs directly in the root.
    labels: Vec<u32>,
    /// Names of the folders directly below the root.
    classes: Vec<OsString>,
}

#[derive(Debug)]
struct FileName {
    /// Index into `folders`.
    folder: u32,
    name: Box<OsStr>,
}

impl PhotoFiles {
    /// Lists the photographs below a folder. Links are followed; each folder is visited once, even
    /// if links form a cycle.
    ///
    /// # Errors
    /// If a folder cannot be read, if there are no photographs, and on Stop.
    pub(crate) fn list(root: &Path) -> Result<PhotoFiles> {
        let mut listing = Listing::new(root);
        let mut visited = HashSet::new();
        let mut open = vec![root.to_owned()];
        while let Some(folder) = open.pop() {
            let real = folder.canonicalize().map_err(Error::io("read", &folder))?;
            if visited.insert(real) {
                open.extend(listing.add(&folder)?);
            }
        }
        Ok(PhotoFiles::new(root, listing.finish()?))
    }

    fn new(root: &Path, names: BTreeMap<PathBuf, Vec<Box<OsStr>>>) -> PhotoFiles {
        let has_classes = !names.contains_key(root);
        let mut files = PhotoFiles {
            root: root.to_owned(),
            folders: Vec::new(),
            names: Vec::new(),
            labels: Vec::new(),
            classes: Vec::new(),
        };
        // Sorted by path, so the folders of a class are adjacent.
        for (folder, mut names) in names {
            names.sort();
            if has_classes {
                let below = folder.strip_prefix(root).ok();
                let class = below
                    .and_then(|path| path.iter().next())
                    .unwrap_or_default();
                files.label(class, names.len());
            }
            let number = files.folders.len() as u32;
            files.folders.push(folder);
            files.names.extend(names.into_iter().map(|name| FileName {
                folder: number,
                name,
            }));
        }
        files
    }

    /// Labels the next `n` files.
    fn label(&mut self, class: &OsStr, n: usize) {
        if self.classes.last().is_none_or(|last| last != class) {
            self.classes.push(class.to_owned());
        }
        let label = self.classes.len() as u32 - 1;
        self.labels.extend(std::iter::repeat_n(label, n));
    }

    /// The folder that was listed.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The classes, sorted by name; empty if there are none.
    pub(crate) fn classes(&self) -> &[OsString] {
        &self.classes
    }

    /// The labels as indices into `classes`, a sorted list that contains this source's classes.
    /// `None` without classes.
    pub(crate) fn labels(&self, classes: &[OsString]) -> Option<Vec<u32>> {
        let index = |class: &OsString| classes.binary_search(class).unwrap_or(0) as u32;
        let indices: Vec<u32> = self.classes.iter().map(index).collect();
        let labels = self.labels.iter().map(|&label| indices[label as usize]);
        (!self.classes.is_empty()).then(|| labels.collect())
    }

    fn path(&self, i: usize) -> PathBuf {
        let FileName { folder, name } = &self.names[i];
        self.folders[*folder as usize].join(name.as_ref())
    }
}

impl PhotoSource for PhotoFiles {
    fn len(&self) -> usize {
        self.names.len()
    }

    fn name(&self, i: usize) -> PathBuf {
        self.path(i)
    }

    fn read(&self, i: usize) -> std::result::Result<RgbImage, String> {
        let max_bytes = Limits::current().image_file_bytes();
        let bytes = read_file(&self.path(i), max_bytes).map_err(|error| match error {
            // The caller names the file.
            Error::Io { source, .. } => source.to_string(),
            error => error.to_string(),
        })?;
        decode_image(&bytes)
            .map(|(_, pixels)| pixels)
            .map_err(|reason| reason.to_string())
    }

    fn version(&self, i: usize) -> String {
        let metadata = std::fs::metadata(self.path(i)).ok();
        metadata.map_or("0 0".into(), |metadata| version(&metadata))
    }
}

/// Size and modification time of a file.
pub(crate) fn version(metadata: &std::fs::Metadata) -> String {
    let modified = metadata.modified().ok();
    let time = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!(
        "{} {}",
        metadata.len(),
        time.map_or(0, |time| time.as_nanos())
    )
}

/// The files found so far.
struct Listing<'a> {
    root: &'a Path,
    /// File names of photographs by folder.
    names: BTreeMap<PathBuf, Vec<Box<OsStr>>>,
    photos: usize,
    others: usize,
    line: StatusLine,
}

impl<'a> Listing<'a> {
    fn new(root: &'a Path) -> Self {
        Listing {
            root,
            names: BTreeMap::new(),
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
            let path = entry.path();
            let kind = entry.file_type().map_err(Error::io("read", &path))?;
            // `is_dir` follows a link; a dangling one is no folder.
            let is_folder = if kind.is_symlink() {
                path.is_dir()
            } else {
                kind.is_dir()
            };
            if is_folder {
                subfolders.push(path);
            } else if is_photo(&path) {
                self.photos += 1;
                self.names
                    .entry(folder.to_owned())
                    .or_default()
                    .push(entry.file_name().into());
                let (root, photos) = (self.root, self.photos);
                self.line.update(|| progress(root, photos));
            } else {
                self.others += 1;
            }
        }
        Ok(subfolders)
    }

    /// The file names by folder.
    fn finish(mut self) -> Result<BTreeMap<PathBuf, Vec<Box<OsStr>>>> {
        let (root, photos) = (self.root, self.photos);
        self.line.finish(|| progress(root, photos));
        if self.photos > 0 {
            return Ok(self.names);
        }
        let got = match self.others {
            0 => "an empty folder".into(),
            1 => "1 other file".into(),
            n => format!("{n} other files"),
        };
        let expected = "images (.jpg, .jpeg, .png, .webp, .bmp, .gif)";
        let hint = "Choose the folder that holds the images or the folders of their classes";
        Err(Error::file(self.root, expected, got, hint))
    }
}

fn progress(root: &Path, photos: usize) -> String {
    format!("{}: {photos} photographs found", root.display())
}

/// Returns true if the file has an image's extension and is not hidden.
fn is_photo(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && EXTENSIONS.contains(&extension(path).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_files_and_other_extensions_are_no_photographs() {
        for name in ["a.jpg", "b.JPEG", "c.d.png"] {
            assert!(is_photo(Path::new(name)), "{name}");
        }
        for name in [".a.jpg", "a.txt", "jpg", "a.jpg.part"] {
            assert!(!is_photo(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn labels_index_the_classes_of_both_splits() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/1.png", "c/2.png", "c/deep/3.png"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        let files = PhotoFiles::list(folder.path()).unwrap();
        assert_eq!(files.classes(), ["b", "c"]);
        let both = ["a", "b", "c"].map(OsString::from);
        assert_eq!(files.labels(&both), Some(vec![1, 2, 2]));
    }
}
