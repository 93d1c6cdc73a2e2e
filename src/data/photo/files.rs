//! [`PhotoFiles`]: photographs below a folder, with their classes. Only names are held in memory.

use crate::data::photo::origin::Origin;
use crate::data::photo::source::PhotoSource;
use crate::data::photo::tree::PhotoNames;
use crate::error::Error;
use crate::file::{Limits, decode_image, read_file};
use image::RgbImage;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

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
    /// The photographs with these names, in folders below `root`. The folders directly in `root` are
    /// the classes, unless there are photographs directly in it.
    pub(crate) fn new(root: &Path, names: PhotoNames) -> PhotoFiles {
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

    /// True if photographs lie both in the root and in folders below it.
    pub(crate) fn has_folders_beside_images(&self) -> bool {
        self.folders.len() > 1 && self.folders.contains(&self.root)
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

    fn origin(&self) -> Option<Origin> {
        let mut names = BTreeMap::<PathBuf, Vec<String>>::new();
        for FileName { folder, name } in &self.names {
            let folder = self.folders[*folder as usize].clone();
            let list = names.entry(folder).or_default();
            list.push(name.to_str()?.to_owned());
        }
        Some(Origin::Files {
            root: self.root.clone(),
            names,
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::photo::tree::PhotoTree;

    #[test]
    fn labels_index_the_classes_of_both_splits() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/1.png", "c/2.png", "c/deep/3.png"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        let files = PhotoFiles::new(folder.path(), PhotoTree::list(folder.path()).unwrap().names);
        assert_eq!(files.classes(), ["b", "c"]);
        let both = ["a", "b", "c"].map(OsString::from);
        assert_eq!(files.labels(&both), Some(vec![1, 2, 2]));
    }
}
