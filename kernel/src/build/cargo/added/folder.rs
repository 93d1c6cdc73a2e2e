//! The folder of added crates in a session, and its files.

use super::list::CrateList;
use crate::build::cargo::variables::{ANSWERS, SESSION};
use std::fs::{File, FileTimes};
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folder of added crates in a session.
#[derive(Clone, Debug)]
pub(crate) struct AddedFolder {
    pub(super) session: PathBuf,
    /// The seed of the session.
    pub(super) seed: Option<PathBuf>,
}

impl AddedFolder {
    /// The folder in a session of this process.
    pub(crate) fn new(session: &Path) -> AddedFolder {
        let answers = std::env::var_os(ANSWERS).map(PathBuf::from);
        AddedFolder {
            session: session.to_owned(),
            seed: answers
                .as_deref()
                .and_then(Path::parent)
                .map(Path::to_owned),
        }
    }

    /// The folder in the session of the kernel that started this process.
    pub(crate) fn of_this_process() -> Option<AddedFolder> {
        Some(AddedFolder::new(Path::new(&std::env::var_os(SESSION)?)))
    }

    /// The seed's folder.
    ///
    /// # Errors
    /// If this process belongs to no session.
    fn seed(&self) -> Result<&Path> {
        Ok(self.seed.as_deref().ok_or(ErrorKind::NotFound)?)
    }

    /// The lock file with which the seed was compiled.
    ///
    /// # Errors
    /// If this process belongs to no session.
    pub(super) fn helper_lock(&self) -> Result<PathBuf> {
        Ok(self.seed()?.join("session/Cargo.lock"))
    }

    /// The list of the crates that the seed's build has compiled.
    ///
    /// # Errors
    /// If this process belongs to no session.
    pub(super) fn units(&self) -> Result<PathBuf> {
        Ok(self.seed()?.join("units.json"))
    }

    /// The results of the build scripts that the seed's build has run.
    ///
    /// # Errors
    /// If this process belongs to no session.
    pub(super) fn results(&self) -> Result<PathBuf> {
        Ok(self.seed()?.join("results"))
    }

    /// A file of the seed in this session; `None` if the seed lacks it. Another session may have stored
    /// it after this one began.
    pub(super) fn seed_file(&self, relative: &Path) -> Option<PathBuf> {
        let here = self.session.join(relative);
        if here.is_file() {
            return Some(here);
        }
        let stored = self.seed().ok()?.join("session").join(relative);
        stored
            .is_file()
            .then(|| link_or_copy(&stored, &here))?
            .ok()?;
        Some(here)
    }

    /// Stores a compiled file in the seed, for this session and all later ones.
    ///
    /// # Errors
    /// If the file cannot be copied.
    pub(super) fn store(&self, compiled: &Path, relative: &Path) -> Result<()> {
        let stored = self.seed()?.join("session").join(relative);
        std::fs::create_dir_all(stored.parent().ok_or(ErrorKind::NotFound)?)?;
        let part = stored.with_extension(format!("part-{}", std::process::id()));
        std::fs::copy(compiled, &part)?;
        set_time(&part, self.seed_time()?)?;
        std::fs::rename(&part, &stored)
    }

    /// Waits until no other session compiles for the seed, and lets them wait until the result is dropped.
    ///
    /// # Errors
    /// If the seed's folder cannot be written.
    pub(super) fn lock_store(&self) -> Result<File> {
        let lock = File::create(self.seed()?.join("store.lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    /// The compiler's arguments for the folders of the seed's crates: an added crate that uses one of them
    /// finds there what that one uses.
    pub(super) fn search_paths(&self, is_for_host: bool) -> Vec<String> {
        let target = self.session.join("target");
        let for_cells = std::fs::read_dir(&target).into_iter().flatten().flatten();
        let for_cells = for_cells.map(|entry| entry.path().join("debug/deps"));
        let for_cells = for_cells.filter(|deps| !is_for_host && deps.is_dir());
        let all = for_cells.chain([target.join("debug/deps")]);
        all.flat_map(|deps| ["-L".to_owned(), format!("dependency={}", deps.display())])
            .collect()
    }

    /// The time of all that the seed's build has not compiled on this machine: cargo compiles a crate
    /// again if one that it depends on is newer.
    ///
    /// # Errors
    /// If the seed has no list of units.
    pub(super) fn seed_time(&self) -> Result<SystemTime> {
        std::fs::metadata(self.units()?)?.modified()
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

    /// The arguments by which a cell is linked to the crates of a list.
    pub(super) fn arguments(&self, crates: &CrateList) -> PathBuf {
        self.folder().join(format!("{}.json", crates.key()))
    }

    /// True once a crate has been added: what cargo needs has been downloaded.
    pub(crate) fn is_in_use(&self) -> bool {
        self.manifest().is_file()
    }
}

fn link_or_copy(from: &Path, to: &Path) -> Result<()> {
    let time = std::fs::metadata(from)?.modified()?;
    std::fs::create_dir_all(to.parent().ok_or(ErrorKind::NotFound)?)?;
    match std::fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        // Another wrapper was faster. To copy now would empty the file, which has both names.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(_) => {
            let part = to.with_extension(format!("part-{}", std::process::id()));
            std::fs::copy(from, &part)?;
            set_time(&part, time)?;
            std::fs::rename(part, to)
        }
    }
}

/// Sets the time of a file's last change.
///
/// # Errors
/// If the file cannot be opened.
pub(super) fn set_time(file: &Path, time: SystemTime) -> Result<()> {
    let times = FileTimes::new().set_modified(time);
    File::options().write(true).open(file)?.set_times(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_linked_already_keeps_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "below/to"].map(|name| folder.path().join(name));
        std::fs::write(&from, "code").unwrap();
        link_or_copy(&from, &to).unwrap();
        link_or_copy(&from, &to).unwrap();
        assert_eq!(std::fs::read_to_string(&from).unwrap(), "code");
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "code");
    }

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

    #[test]
    fn crates_for_cells_search_the_seeds_folders() {
        let session = tempfile::tempdir().unwrap();
        let target = session.path().join("target");
        std::fs::create_dir_all(target.join("x86/debug/deps")).unwrap();
        std::fs::create_dir_all(target.join("debug/deps")).unwrap();
        let place = AddedFolder::new(session.path());
        assert_eq!(place.search_paths(false).len(), 4);
        assert_eq!(place.search_paths(true).len(), 2);
    }
}
