//! A session: a folder of one kernel, filled from the seed, gone when the kernel is.

use crate::home;
use crate::seed::Seed;
use anyhow::{Context, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A folder in which one engine works. It is removed on drop; folders of kernels that died are removed by the next one.
#[derive(Debug)]
pub struct Session {
    pub folder: PathBuf,
    pub seed: Seed,
    lock_path: PathBuf,
    /// Held while the kernel lives, also by the operating system's reckoning: a folder whose lock is free is a dead one's.
    lock: File,
}

impl Session {
    /// A new folder with the seed's compiled crates. Builds the seed first where there is none.
    pub fn new() -> Result<Session> {
        let seed = Seed::ready()?;
        let sessions = home::folder()?.join("sessions");
        home::create_folder(&sessions)?;
        remove_dead(&sessions);
        for n in 0.. {
            let name = format!("{}-{n}", std::process::id());
            let lock_path = sessions.join(format!("{name}.lock"));
            let lock = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&lock_path)
                .with_context(|| format!("cannot write to {}", sessions.display()))?;
            if lock.try_lock().is_err() {
                continue;
            }
            let folder = sessions.join(&name);
            if folder.exists() {
                std::fs::remove_dir_all(&folder).with_context(|| format!("cannot clear {}", folder.display()))?;
            }
            fill(&seed.session(), &folder, &OF_A_CELL).context("cannot fill the session's folder from the seed")?;
            return Ok(Session { folder, seed, lock_path, lock });
        }
        unreachable!("some number is free")
    }
}

impl Session {
    /// Lets the locks of session and seed survive when this process becomes another program.
    pub fn hold_through_exec(&self) -> std::io::Result<()> {
        for lock in [&self.lock, &self.seed.in_use] {
            rustix::io::fcntl_setfd(lock, rustix::io::FdFlags::empty())?;
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next kernel.
        let _ = std::fs::remove_dir_all(&self.folder);
        let _ = std::fs::remove_file(&self.lock_path);
    }
}

/// Removes the folders of kernels that no longer live.
pub fn remove_dead(sessions: &Path) {
    let Ok(entries) = std::fs::read_dir(sessions) else { return };
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "lock"))
    {
        let free = File::options().write(true).open(&path).is_ok_and(|lock| lock.try_lock().is_ok());
        if free {
            let _ = std::fs::remove_dir_all(path.with_extension(""));
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// What the names of the cell crate's own products start with; they belong to the cells of the folder they are in.
pub const OF_A_CELL: [&str; 4] = ["ctx-", "ctx.", "libctx", "libcode_"];

/// Copies an engine's folder: what cargo never rewrites is linked, the rest copied with its times, which cargo compares.
/// Incremental state stays behind, and whatever has a name that starts with one of `leave`.
pub fn fill(from: &Path, to: &Path, leave: &[&str]) -> Result<()> {
    home::create_folder(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (name, source) = (entry.file_name(), entry.path());
        let text = name.to_string_lossy();
        let target = to.join(&name);
        if text == "incremental" || leave.iter().any(|prefix| text.starts_with(prefix)) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fill(&source, &target, leave)?;
            continue;
        }
        let constant = from.ends_with("deps") && ["rlib", "rmeta", "so"].iter().any(|e| has_extension(&source, e));
        if constant && std::fs::hard_link(&source, &target).is_ok() {
            continue;
        }
        let times = std::fs::metadata(&source)?;
        std::fs::copy(&source, &target)?;
        let times = std::fs::FileTimes::new().set_modified(times.modified()?).set_accessed(times.accessed()?);
        File::options().write(true).open(&target)?.set_times(times)?;
    }
    Ok(())
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e == extension)
}
