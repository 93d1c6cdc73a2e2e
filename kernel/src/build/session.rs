//! A session: the working folder of one kernel, copied from the seed and removed with the kernel.

use super::environment::CELL_PRODUCTS;
use super::link::{Extent, copy_build};
use super::lock::{for_each_unlocked, inherit_lock, open_lock, remove_with_lock};
use super::seed::Seed;
use crate::home;
use anyhow::{Context, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// The working folder of one engine, removed on drop. The next kernel removes folders of kernels
/// that crashed.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) folder: PathBuf,
    pub(crate) seed: Seed,
    /// Held while the kernel lives; the system releases it if the process dies. `None` for the
    /// session inside a seed, which is kept.
    lock: Option<File>,
}

impl Session {
    /// Reserves an empty folder for this process; fast.
    ///
    /// # Errors
    /// If no seed can be located or the home folder is not writable.
    pub(crate) fn reserve() -> Result<Session> {
        let seed = Seed::find()?;
        let sessions = home::folder()?.join("sessions");
        home::create_private_folder(&sessions)?;
        home::make_private(&sessions, home::PRIVATE_FOLDER);
        let mut n = 0;
        loop {
            let folder = sessions.join(format!("{}-{n}", std::process::id()));
            let lock = open_lock(&folder)
                .with_context(|| format!("cannot write to {}", sessions.display()))?;
            if lock.try_lock().is_ok() {
                create_empty(&folder)?;
                return Ok(Session {
                    folder,
                    seed,
                    lock: Some(lock),
                });
            }
            n += 1;
        }
    }

    /// Fills the folder with the seed's compiled crates, and removes folders of kernels that
    /// crashed. Builds the seed first if necessary.
    ///
    /// # Errors
    /// If the seed cannot be built or the folder cannot be written.
    pub(crate) fn fill(&mut self, extent: Extent) -> Result<()> {
        self.seed.make_ready()?;
        if let Some(sessions) = self.folder.parent() {
            Session::remove_dead(sessions);
        }
        fill_from(&self.seed.session(), &self.folder, extent)
    }

    /// The session in which a seed is built; it is kept.
    pub(crate) fn in_seed(seed: Seed) -> Session {
        Session {
            folder: seed.session(),
            seed,
            lock: None,
        }
    }

    /// Keeps the locks of session and seed when this process executes another program.
    ///
    /// # Errors
    /// If the system refuses to change the descriptors' flags.
    pub(crate) fn hold_through_exec(&self) -> std::io::Result<()> {
        [&self.lock, &self.seed.in_use]
            .into_iter()
            .flatten()
            .try_for_each(inherit_lock)
    }

    /// Removes a session's folder and lock file. If that fails now, the next kernel finds the
    /// folder by its lock file.
    pub(crate) fn remove(folder: &Path) {
        remove_with_lock(folder);
    }

    /// Removes the folders of kernels that no longer run.
    pub(crate) fn remove_dead(sessions: &Path) {
        for_each_unlocked(sessions, remove_with_lock);
    }
}

/// Fills a session's folder from a seed's.
///
/// # Errors
/// If a file cannot be read or written.
pub(super) fn fill_from(seed: &Path, folder: &Path, extent: Extent) -> Result<()> {
    copy_build(seed, folder, extent, &CELL_PRODUCTS)
        .context("cannot fill the session's folder from the seed")
}

/// Creates a folder, without what an earlier process of the same number left there.
fn create_empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    home::create_private_folder(folder)
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.lock.is_some() {
            remove_with_lock(&self.folder);
        }
    }
}
