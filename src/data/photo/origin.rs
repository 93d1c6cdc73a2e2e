//! [`Origin`]: where photographs come from, so that another process can open them.

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
    /// Crops of the photographs inside this crate, for images of this size.
    Embedded { size: usize, test: bool },
}

impl Origin {
    /// The folder or database.
    pub(crate) fn root(&self) -> &Path {
        match self {
            Origin::Files { root, .. } => root,
            Origin::Lmdb { path } => path,
            Origin::Embedded { .. } => Path::new("photographs"),
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
            embedded @ Origin::Embedded { .. } => embedded,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_places_become_absolute() {
        let origin = Origin::Files {
            root: "a".into(),
            names: BTreeMap::from([("a/b".into(), vec!["1.png".into()])]),
        };
        let here = std::env::current_dir().unwrap();
        let absolute = origin.absolute().unwrap();
        assert_eq!(absolute.root(), here.join("a"));
        let Origin::Files { names, .. } = absolute else {
            unreachable!("it was one of files")
        };
        assert_eq!(names.keys().next(), Some(&here.join("a/b")));
    }
}
