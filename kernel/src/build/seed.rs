//! The seed: a folder with the compiled helper crate, from which sessions start.
//!
//! The engine itself builds it, so that the compiler flags match those of sessions. Its folder is
//! `seeds/KEY`, where the key is a hash of everything that determines the content, and contains:
//! `helper/`, the helper's source; `config/`, which the engine reads at start; `session/`, the
//! compiled folder; and `ready`, which marks a complete build.

use super::compile::build_seed;
use super::features::Features;
use super::key::seed_key;
use super::lock::{for_each_unlocked, inherit_lock, open_lock, remove_with_lock};
use crate::home;
use crate::toolchain;
use anyhow::{Context, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// The seed of this program, a toolchain and features; possibly not yet built.
#[derive(Debug)]
pub(crate) struct Seed {
    pub(crate) folder: PathBuf,
    features: Features,
    /// Held after [`Seed::make_ready`], so that no other process removes the seed.
    pub(crate) in_use: Option<File>,
}

impl Seed {
    /// The seed for the features that `install` selected. Builds nothing.
    ///
    /// # Errors
    /// If rustc is not installed or too old, or the home folder is not usable.
    pub(crate) fn find() -> Result<Seed> {
        Seed::with(Features::chosen()?)
    }

    /// The seed for these features. Builds nothing.
    ///
    /// # Errors
    /// As [`Seed::find`].
    pub(crate) fn with(features: Features) -> Result<Seed> {
        let version = toolchain::rustc_version()?;
        toolchain::check_rustc(&version)?;
        let key = seed_key(&version, &features);
        Ok(Seed {
            folder: home::folder()?.join("seeds").join(key),
            features,
            in_use: None,
        })
    }

    /// The seed in a folder, for the process that builds it.
    pub(crate) fn at(folder: PathBuf) -> Seed {
        Seed {
            folder,
            features: Features::default(),
            in_use: None,
        }
    }

    /// Features of the build.
    pub(crate) fn features(&self) -> &Features {
        &self.features
    }

    /// True if the build is complete.
    pub(crate) fn exists(&self) -> bool {
        self.folder.join("ready").is_file()
    }

    /// Builds the seed if necessary, with progress on standard error, and holds its lock. If
    /// another process is building it, reports that and waits.
    ///
    /// # Errors
    /// If a lock or file cannot be written, or the helper crate does not compile.
    pub(crate) fn make_ready(&mut self) -> Result<()> {
        let seeds = self
            .folder
            .parent()
            .context("the folder of seeds has no parent")?;
        home::create_folder(seeds)?;
        loop {
            let lock = open_lock(&self.folder)?;
            lock.lock_shared().context("cannot lock the seed")?;
            if self.exists() {
                self.in_use = Some(lock);
                return Ok(());
            }
            lock.unlock().context("cannot unlock the seed")?;
            if lock.try_lock().is_err() {
                eprintln!("candlebook: another process is preparing the kernel; waiting for it");
                lock.lock().context("cannot lock the seed")?;
            }
            if !self.exists() {
                // The warm-up process inherits the lock: if this process is killed, others still
                // wait until the build ends.
                inherit_lock(&lock).context("cannot pass the lock on")?;
                build_seed(&self.folder, &self.features)?;
                remove_unused(seeds, Some(&self.folder));
            }
        }
    }

    /// The folder whose content a session starts with.
    pub(crate) fn session(&self) -> PathBuf {
        self.folder.join("session")
    }

    /// The lock file of a session that depends on the helper, with the tested versions.
    ///
    /// The session's own file lacks packages that cells do not need, which cargo has removed during
    /// the build and need not remove again.
    pub(crate) fn lock_file(&self) -> PathBuf {
        if self.exists() {
            self.folder.join("session/Cargo.lock")
        } else {
            self.folder.join("helper/Cargo.lock")
        }
    }

    /// The folder of the engine's start-up commands.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("config")
    }

    /// Removes all seeds that no process uses.
    ///
    /// # Errors
    /// If the home folder is not usable.
    pub(crate) fn remove_all() -> Result<()> {
        remove_unused(&home::folder()?.join("seeds"), None);
        Ok(())
    }
}

/// Removes the seeds that no process uses, except `keep`.
fn remove_unused(seeds: &Path, keep: Option<&Path>) {
    for_each_unlocked(seeds, |folder| {
        if Some(folder) != keep {
            remove_with_lock(folder);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_without_its_mark_is_not_ready_and_takes_the_helpers_versions() {
        let folder = tempfile::tempdir().unwrap();
        let seed = Seed::at(folder.path().to_owned());
        assert!(!seed.exists());
        assert_eq!(seed.lock_file(), folder.path().join("helper/Cargo.lock"));
        std::fs::write(folder.path().join("ready"), "").unwrap();
        assert!(seed.exists());
        assert_eq!(seed.lock_file(), folder.path().join("session/Cargo.lock"));
    }
}
