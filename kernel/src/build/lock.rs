//! Lock files: `NAME.lock` beside a folder `NAME`, held by the processes that use the folder.

use anyhow::{Context, Result};
use std::fs::File;
use std::path::Path;

/// Opens the lock file of a folder, and creates it if necessary.
///
/// # Errors
/// If the file cannot be created or opened.
pub(crate) fn open_lock(folder: &Path) -> Result<File> {
    let path = folder.with_extension("lock");
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))
}

/// Lets a lock survive `exec` and pass to child processes.
///
/// # Errors
/// If the system refuses to change the descriptor's flags.
pub(crate) fn inherit_lock(lock: &File) -> std::io::Result<()> {
    Ok(rustix::io::fcntl_setfd(lock, rustix::io::FdFlags::empty())?)
}

/// Calls `remove` for each folder below `parent` whose lock no process holds, and holds the lock
/// until `remove` returns.
pub(crate) fn for_each_unlocked(parent: &Path, mut remove: impl FnMut(&Path)) {
    let Ok(entries) = std::fs::read_dir(parent) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let folder = path.with_extension("");
        if path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        let Ok(lock) = open_lock(&folder) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            remove(&folder);
        }
    }
}

/// Deletes a folder and its lock file. If the folder cannot be deleted now, the lock file remains,
/// so that a later process finds it.
///
/// The folder is renamed first: what still writes to it then fails at once, instead of filling the
/// folder while it is being deleted.
pub(crate) fn remove_with_lock(folder: &Path) {
    let removed = folder.with_extension("removed");
    let _ = std::fs::remove_dir_all(&removed);
    let _ = std::fs::rename(folder, &removed);
    let _ = std::fs::remove_dir_all(&removed);
    // What an interrupted unpacking has left.
    let _ = std::fs::remove_dir_all(folder.with_extension("part"));
    if !folder.exists() && !removed.exists() {
        let _ = std::fs::remove_file(folder.with_extension("lock"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_without_a_holder_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let (held, free) = (parent.path().join("held"), parent.path().join("free"));
        let lock = open_lock(&held).unwrap();
        lock.lock_shared().unwrap();
        drop(open_lock(&free).unwrap());
        for folder in [&held, &free] {
            std::fs::create_dir(folder).unwrap();
        }
        for_each_unlocked(parent.path(), remove_with_lock);
        assert!(held.exists() && held.with_extension("lock").exists());
        assert!(!free.exists() && !free.with_extension("lock").exists());
    }
}
