//! [`Origin`]: where photographs come from, so that another process can open them.

use crate::data::photo::files::PhotoFiles;
use crate::data::photo::lmdb::LmdbRecords;
use crate::data::photo::source::PhotoSource;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Place of the photographs of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// Files by their folders, so that another process need not list them again.
    Files {
        root: PathBuf,
        names: BTreeMap<PathBuf, Vec<String>>,
    },
    /// An LMDB database.
    Lmdb { path: PathBuf },
}

impl Origin {
    /// The folder or database.
    pub(crate) fn root(&self) -> &Path {
        match self {
            Origin::Files { root, .. } => root,
            Origin::Lmdb { path } => path,
        }
    }

    /// The same place for a process in another folder.
    ///
    /// # Errors
    /// The current folder is gone.
    pub(crate) fn absolute(self) -> Result<Self> {
        let absolute = |path: PathBuf| std::path::absolute(&path).map_err(Error::io("find", &path));
        Ok(match self {
            Origin::Files { root, names } => Origin::Files {
                root: absolute(root)?,
                names: names
                    .into_iter()
                    .map(|(folder, names)| Ok((absolute(folder)?, names)))
                    .collect::<Result<_>>()?,
            },
            Origin::Lmdb { path } => Origin::Lmdb {
                path: absolute(path)?,
            },
        })
    }

    /// Opens the photographs, in the same order.
    ///
    /// # Errors
    /// A folder or database that this machine does not have.
    pub(crate) fn open(self) -> Result<Box<dyn PhotoSource>> {
        match self {
            Origin::Files { root, names } => {
                std::fs::read_dir(&root).map_err(Error::io("read", &root))?;
                let names = names.into_iter().map(|(folder, names)| {
                    let names = names.into_iter();
                    let names = names.map(|name| std::ffi::OsString::from(name).into());
                    (folder, names.collect())
                });
                Ok(Box::new(PhotoFiles::new(&root, names.collect())))
            }
            Origin::Lmdb { path } => Ok(Box::new(LmdbRecords::open(&path)?.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_opened_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let names = BTreeMap::from([
            (root.join("b"), list(&["2.png", "1.png"])),
            (root.join("a"), list(&["x.png"])),
        ]);
        let origin = Origin::Files { root, names };
        let opened = origin.open().unwrap();
        let names = (0..opened.len()).map(|i| opened.name(i));
        let expected = ["a/x.png", "b/1.png", "b/2.png"].map(|name| folder.path().join(name));
        assert_eq!(names.collect::<Vec<_>>(), expected);
        let again = opened.origin().unwrap().open().unwrap();
        assert_eq!(again.name(2), expected[2]);
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_it() {
        let origin = Origin::Files {
            root: "/no/photographs".into(),
            names: BTreeMap::new(),
        };
        let error = origin.open().unwrap_err().to_string();
        assert!(
            error.starts_with("/no/photographs: cannot read: "),
            "{error}"
        );
    }
}
