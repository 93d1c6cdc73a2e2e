//! A session: a folder of one kernel, filled from the seed, gone when the kernel is.

use crate::build::environment::CELL_PRODUCTS;
use crate::build::link::fill;
use crate::build::seed::Seed;
use crate::home;
use anyhow::{Context, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A folder in which one engine works. It is removed on drop; folders of kernels that died are removed by the next one.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) folder: PathBuf,
    pub(crate) seed: Seed,
    /// Held while the kernel lives, also by the operating system's reckoning: a folder whose lock is free is a dead one's.
    /// None for the session inside a seed, which stays.
    lock: Option<File>,
}

impl Session {
    /// A folder of our own, still empty; quick.
    pub(crate) fn reserve() -> Result<Session> {
        let seed = Seed::find()?;
        let sessions = home::folder()?.join("sessions");
        home::create_folder(&sessions)?;
        for n in 0.. {
            let folder = sessions.join(format!("{}-{n}", std::process::id()));
            let lock = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(folder.with_extension("lock"))
                .with_context(|| format!("cannot write to {}", sessions.display()))?;
            if lock.try_lock().is_ok() {
                return Ok(Session {
                    folder,
                    seed,
                    lock: Some(lock),
                });
            }
        }
        unreachable!("some number is free")
    }

    /// Fills the folder with the seed's compiled crates. Builds the seed first where there is none; removes the folders of
    /// kernels that died.
    pub(crate) fn fill(&mut self) -> Result<()> {
        self.seed.make_ready()?;
        if let Some(sessions) = self.folder.parent() {
            remove_dead(sessions);
        }
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder)
                .with_context(|| format!("cannot clear {}", self.folder.display()))?;
        }
        fill(&self.seed.session(), &self.folder, &CELL_PRODUCTS)
            .context("cannot fill the session's folder from the seed")
    }

    /// The session in which a seed is built; it stays.
    pub(crate) fn in_seed(seed: Seed) -> Session {
        Session {
            folder: seed.session(),
            seed,
            lock: None,
        }
    }

    /// Lets the locks of session and seed survive when this process becomes another program.
    pub(crate) fn hold_through_exec(&self) -> std::io::Result<()> {
        for lock in [&self.lock, &self.seed.in_use].into_iter().flatten() {
            rustix::io::fcntl_setfd(lock, rustix::io::FdFlags::empty())?;
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.lock.is_some() {
            remove(&self.folder);
        }
    }
}

/// Removes a session's folder, then its lock. What cannot be removed now is removed by the next kernel, which finds it by
/// the lock.
pub(crate) fn remove(folder: &Path) {
    if std::fs::remove_dir_all(folder).is_ok() || !folder.exists() {
        let _ = std::fs::remove_file(folder.with_extension("lock"));
    }
}

/// Removes the folders of kernels that no longer live.
pub(crate) fn remove_dead(sessions: &Path) {
    let Ok(entries) = std::fs::read_dir(sessions) else {
        return;
    };
    for path in entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "lock"))
    {
        let Ok(lock) = File::options().write(true).open(&path) else {
            continue;
        };
        // Held until the folder is gone.
        if lock.try_lock().is_ok() {
            remove(&path.with_extension(""));
        }
    }
}
