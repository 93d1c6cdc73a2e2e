//! A change of the added crates, which is undone unless it is kept.

use super::folder::AddedFolder;
use super::list::CrateList;
use super::lock_file::merge;
use crate::home;
use std::io::Result;
use std::path::PathBuf;

/// A change of the list of crates. Drop undoes it.
#[derive(Debug)]
pub(super) struct Change {
    place: AddedFolder,
    /// The files to restore, each with its former text.
    former: Vec<(PathBuf, Option<String>)>,
}

impl Change {
    /// Writes the package that depends on these crates.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(super) fn begin(place: &AddedFolder, crates: &CrateList) -> Result<Change> {
        std::fs::create_dir_all(place.folder())?;
        let paths = [place.manifest(), place.lock_file()];
        let former = paths.map(|path| {
            let text = std::fs::read_to_string(&path).ok();
            (path, text)
        });
        let change = Change {
            place: place.clone(),
            former: former.to_vec(),
        };
        change.write(crates)?;
        Ok(change)
    }

    fn write(&self, crates: &CrateList) -> Result<()> {
        let place = &self.place;
        std::fs::write(place.manifest(), crates.manifest())?;
        if let Some(lock) = merged_lock(place) {
            std::fs::write(place.lock_file(), lock)?;
        }
        // Cargo calls the compiler for each list, also if it finds two lists the same.
        std::fs::write(
            place.folder().join("lib.rs"),
            format!("// {}\n", crates.key()),
        )
    }

    /// Keeps the change. The session's lock file gets the versions too, because the engine asks
    /// cargo about the same crates.
    pub(super) fn keep(mut self) {
        self.former.clear();
        if let Some(lock) = merged_lock(&self.place) {
            let session = self.place.session.join("Cargo.lock");
            // Without it cargo selects the versions itself, almost always the same.
            let _ = home::write_atomically(&session, lock.as_bytes());
        }
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        for (path, text) in &self.former {
            // An error means that the folder is gone, and the session with it.
            let _ = match text {
                Some(text) => std::fs::write(path, text),
                None => std::fs::remove_file(path),
            };
        }
    }
}

/// The versions of the added crates, and the helper's for all others.
fn merged_lock(place: &AddedFolder) -> Option<String> {
    let helper = std::fs::read_to_string(place.helper_lock().ok()?).ok()?;
    let added = std::fs::read_to_string(place.lock_file()).unwrap_or_else(|_| helper.clone());
    merge(&added, &helper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_undone_unless_it_is_kept() {
        let session = tempfile::tempdir().unwrap();
        let place = AddedFolder::new(session.path());
        let mut list = CrateList::default();
        list.insert("csv", "1".into());
        drop(Change::begin(&place, &list).unwrap());
        assert!(!place.is_in_use());
        Change::begin(&place, &list).unwrap().keep();
        let kept = std::fs::read_to_string(place.manifest()).unwrap();
        assert!(kept.contains("csv = \"1\""));
        list.insert("rand", "0.9".into());
        let change = Change::begin(&place, &list).unwrap();
        assert_ne!(std::fs::read_to_string(place.manifest()).unwrap(), kept);
        drop(change);
        assert_eq!(std::fs::read_to_string(place.manifest()).unwrap(), kept);
    }
}
