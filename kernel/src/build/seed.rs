//! The seed: a folder with the compiled helper crate, from which sessions start.
//!
//! The engine itself builds it, so that the compiler flags match those of sessions. Its folder is
//! `seeds/KEY`, where the key is a hash of everything that determines the content, and contains:
//! `session/`, the compiled folder with the helper's source inside; `answers/`, recordings of cargo's
//! answers; `units.json`, the compiled crates, and `results/`, those of build scripts, for crates that
//! a notebook adds; `init.evcxr`, the engine's start-up commands; and `ready`, which marks a complete build.
//! No file depends on the seed's own path.

use super::archive::unpack;
use super::compile::build_seed;
use super::features::Features;
use super::key::seed_key;
use super::lock::{for_each_unlocked, inherit_lock, open_lock, remove_with_lock};
use crate::home;
use crate::shipped::Shipped;
use crate::toolchain;
use anyhow::{Context, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// End of the name of a seed's folder that was unpacked. It has only the files that a session needs.
const SHIPPED: &str = "-shipped";

/// The seed of this program, a toolchain and features; possibly not yet built.
#[derive(Debug)]
pub(crate) struct Seed {
    pub(crate) folder: PathBuf,
    features: Features,
    /// The archive that the seed is unpacked from, if it is not compiled on this machine.
    shipped: Option<&'static Shipped>,
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

    /// The seed for these features: the one compiled on this machine, otherwise the one that came
    /// with the program, if it fits. Builds nothing.
    ///
    /// # Errors
    /// As [`Seed::find`].
    pub(crate) fn with(features: Features) -> Result<Seed> {
        let compiled = Seed::compiled(features)?;
        let name = compiled.folder.file_name().unwrap_or_default();
        // Recordings spell a folder with a quote in another way than those of most machines.
        let has_quote = compiled.folder.to_string_lossy().contains('"');
        let fits = |shipped: &&Shipped| name == shipped.key.as_str() && !has_quote;
        match Shipped::find().filter(fits) {
            Some(shipped) if !compiled.exists() => Ok(Seed {
                folder: compiled
                    .folder
                    .with_file_name(shipped.key.clone() + SHIPPED),
                shipped: Some(shipped),
                ..compiled
            }),
            _ => Ok(compiled),
        }
    }

    /// The seed for these features that is compiled on this machine. Builds nothing.
    ///
    /// # Errors
    /// As [`Seed::find`].
    fn compiled(features: Features) -> Result<Seed> {
        let version = toolchain::rustc_version()?;
        toolchain::check_rustc(&version)?;
        let key = seed_key(&version, &features);
        Ok(Seed {
            folder: home::folder()?.join("seeds").join(key),
            features,
            shipped: None,
            in_use: None,
        })
    }

    /// The seed in a folder, for the process that builds it.
    pub(crate) fn at(folder: PathBuf) -> Seed {
        Seed {
            folder,
            features: Features::default(),
            shipped: None,
            in_use: None,
        }
    }

    /// True if the seed comes with the program.
    pub(crate) fn comes_compiled(&self) -> bool {
        self.shipped.is_some()
    }

    /// Features of the build.
    pub(crate) fn features(&self) -> &Features {
        &self.features
    }

    /// True if the build is complete.
    pub(crate) fn exists(&self) -> bool {
        self.folder.join("ready").is_file()
    }

    /// Unpacks or builds the seed if necessary, with progress on standard error, and holds its lock. If
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
                match self.shipped {
                    Some(shipped) => unpack(shipped, &self.folder)?,
                    None => {
                        // The warm-up process inherits the lock: if this process is killed, others
                        // still wait until the build ends.
                        inherit_lock(&lock).context("cannot pass the lock on")?;
                        build_seed(&self.folder, &self.features)?;
                    }
                }
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
            self.folder.join("session/helper/Cargo.lock")
        }
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
        let of_helper = folder.path().join("session/helper/Cargo.lock");
        assert_eq!(seed.lock_file(), of_helper);
        std::fs::write(folder.path().join("ready"), "").unwrap();
        assert!(seed.exists());
        assert_eq!(seed.lock_file(), folder.path().join("session/Cargo.lock"));
    }
}
