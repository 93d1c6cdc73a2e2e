//! The folder of added crates in a session, and its files.

use super::list::CrateList;
use crate::build::cargo::variables::{ANSWERS, SESSION};
use crate::build::seed::Seed;
use std::path::{Path, PathBuf};

/// The folder of added crates in a session.
#[derive(Clone, Debug)]
pub(crate) struct AddedFolder {
    pub(super) session: PathBuf,
}

impl AddedFolder {
    /// The folder in a session.
    pub(crate) fn new(session: &Path) -> AddedFolder {
        AddedFolder {
            session: session.to_owned(),
        }
    }

    /// The folder in the session of the kernel that started this process.
    pub(crate) fn of_this_process() -> Option<AddedFolder> {
        Some(AddedFolder::new(Path::new(&std::env::var_os(SESSION)?)))
    }

    /// True if the session's seed came with the program, without libraries to link crates to.
    pub(super) fn lacks_libraries(&self) -> bool {
        let answers = std::env::var_os(ANSWERS).map(PathBuf::from);
        let seed = answers.as_deref().and_then(Path::parent);
        seed.is_some_and(Seed::is_shipped)
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.session.join("added")
    }

    pub(super) fn manifest(&self) -> PathBuf {
        self.folder().join("Cargo.toml")
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        self.folder().join("Cargo.lock")
    }

    /// The crates that the seed has compiled.
    pub(super) fn compiled(&self) -> PathBuf {
        self.folder().join("compiled.json")
    }

    /// The arguments by which a cell is linked to the crates of a list.
    pub(super) fn arguments(&self, crates: &CrateList) -> PathBuf {
        self.folder().join(format!("{}.json", crates.key()))
    }

    /// True once a crate has been added: what cargo needs has been downloaded.
    pub(crate) fn is_in_use(&self) -> bool {
        self.manifest().is_file()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_has_a_file_for_its_arguments() {
        let place = AddedFolder::new(Path::new("/s"));
        let mut list = CrateList::default();
        let empty = place.arguments(&list);
        list.insert("csv", "1".into());
        assert_ne!(place.arguments(&list), empty);
        assert!(empty.starts_with("/s/added"));
        assert!(!place.is_in_use());
    }
}
