//! MPI, opened at run time: nothing of it is needed to build this crate or to start a program.
//!
//! A dozen functions of any library serve, whatever its binary interface. After MPI's standard,
//! version 5.0.

use crate::dist::abi::Library;
use crate::dist::functions::{Calls, exit_at_once};
use crate::dist::launch_environment::{Launch, Refusal};
use crate::dist::transport::Transport;
use crate::error::Error;
use crate::lock::lock;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, TryLockError};

/// Number of values or bytes that a single call takes. MPI's counts end at 2^31, and some libraries
/// have trouble with 2 GB.
const MAX_CALL_VALUES: usize = 1 << 24;

/// A job's ranks, connected by MPI. Threads may share it: they take turns.
///
/// All ranks call the same methods in the same order, with slices of the same length; each waits for
/// the others. Without [`Mpi::finalize`] at its end, a rank counts as failed and the launcher ends
/// the job, which is right after an error.
pub(crate) struct Mpi {
    /// `MPI_THREAD_SERIALIZED`: one thread at a time.
    calls: Mutex<Box<dyn Calls>>,
    rank: usize,
    size: usize,
    version: String,
}

impl Mpi {
    /// Loads and starts a library, once in a process's life. Without a path, the library is found by
    /// the launcher that started this process, and by the loader. Without a launcher, the process is
    /// rank 0 of 1.
    ///
    /// # Errors
    /// Returns a refusal if there is no library, if it does not start or if it does not understand
    /// the launcher.
    pub(crate) fn open(library: Option<&Path>) -> Result<Mpi, Refusal> {
        let launch = Launch::of_this_process();
        let (path, library) = match library {
            Some(path) => (path.to_owned(), open_path(path)?),
            None => find(&launch)?,
        };
        let (family, version) = (library.family, library.version.clone());
        // Before the start: some pairs end the process in MPI_Init, without our message.
        launch.check_family(family, &version, &path)?;
        let failed = |reason: String| {
            let got = format!("{version} ({}): {reason}", path.display());
            Refusal::new(
                "an MPI that starts",
                got,
                "Set CANDLEBOOK_MPI to another library",
            )
        };
        let calls = library.start().map_err(failed)?;
        let (rank, size) = calls.rank_and_size().map_err(failed)?;
        launch.check_ranks(rank, size, &version, family)?;
        Ok(Mpi {
            calls: Mutex::new(calls),
            rank,
            size,
            version,
        })
    }

    /// This process's number, from 0.
    pub(crate) fn rank(&self) -> usize {
        self.rank
    }

    /// Name and version of the library, such as "Open MPI 5.0.11".
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Replaces each value by its sum over the ranks, the same on all of them.
    ///
    /// # Errors
    /// Returns MPI's message. The values are undefined then.
    pub(crate) fn sum_f32(&self, values: &mut [f32]) -> Result<(), String> {
        let calls = lock(&self.calls);
        values
            .chunks_mut(MAX_CALL_VALUES)
            .try_for_each(|part| calls.sum_f32(part))
    }

    /// As [`Mpi::sum_f32`].
    ///
    /// # Errors
    /// Returns MPI's message. The values are undefined then.
    pub(crate) fn sum_f64(&self, values: &mut [f64]) -> Result<(), String> {
        let calls = lock(&self.calls);
        values
            .chunks_mut(MAX_CALL_VALUES)
            .try_for_each(|part| calls.sum_f64(part))
    }

    /// Gathers the bytes of all ranks, in their order.
    ///
    /// # Shapes
    /// `own` (n) -> `all` (size * n), n below 2^31.
    ///
    /// # Errors
    /// Returns MPI's message, or that the lengths do not fit.
    pub(crate) fn all_gather(&self, own: &[u8], all: &mut [u8]) -> Result<(), String> {
        lock(&self.calls).all_gather(own, all)
    }

    /// Replaces the bytes by those of rank 0.
    ///
    /// # Errors
    /// Returns MPI's message. The bytes are undefined then.
    pub(crate) fn broadcast(&self, bytes: &mut [u8]) -> Result<(), String> {
        let calls = lock(&self.calls);
        bytes
            .chunks_mut(MAX_CALL_VALUES)
            .try_for_each(|part| calls.broadcast(part))
    }

    /// Ends this process and all other ranks. `code` is this one's exit status, from 1 to 255.
    pub(crate) fn abort(&self, code: i32) -> ! {
        match self.calls.try_lock() {
            Ok(calls) => calls.abort(code),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().abort(code),
            // Another thread waits in a call, so MPI may not be called. The launcher ends the others
            // when it misses this process.
            Err(TryLockError::WouldBlock) => {}
        }
        exit_at_once(code)
    }

    /// Ends MPI. All ranks call it, on the thread that opened it. No second job can follow in this
    /// process.
    pub(crate) fn finalize(self) {
        let calls = self
            .calls
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        // Nothing is left to do about a failure.
        let _ = calls.finalize();
    }
}

fn open_path(path: &Path) -> Result<Library, Refusal> {
    Library::open(path).map_err(|reason| {
        let got = format!("{}: {reason}", path.display());
        Refusal::new("an MPI library", got, "Set CANDLEBOOK_MPI to its path")
    })
}

/// The first library among the loader's names that is of the launcher's family.
fn find(launch: &Launch) -> Result<(PathBuf, Library), Refusal> {
    let mut tried = Vec::new();
    for family in launch.families() {
        for name in family.library_names().iter().copied() {
            let other = match Library::open(Path::new(name)) {
                Ok(library) if library.family.is_none_or(|got| got == family) => {
                    return Ok((PathBuf::from(name), library));
                }
                Ok(library) => library.version,
                // Most are missing; only the others are of interest.
                Err(reason) if reason.starts_with(name) => "not found".to_string(),
                Err(reason) => reason,
            };
            tried.push(format!("{name}: {other}"));
        }
    }
    // The standard's name is in both families.
    let mut seen = std::collections::BTreeSet::new();
    tried.retain(|line| seen.insert(line.clone()));
    Err(Refusal::new(
        "an MPI library",
        format!("none ({})", tried.join(", ")),
        "Install one, or set CANDLEBOOK_MPI to its path",
    ))
}

impl std::fmt::Debug for Mpi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, rank {} of {}", self.version, self.rank, self.size)
    }
}

impl Transport for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn sum_f32(&self, values: &mut [f32]) -> crate::error::Result<()> {
        Mpi::sum_f32(self, values).map_err(lost)
    }

    fn sum_f64(&self, values: &mut [f64]) -> crate::error::Result<()> {
        Mpi::sum_f64(self, values).map_err(lost)
    }

    fn gather(&self, own: &[u8], all: &mut [u8]) -> crate::error::Result<()> {
        self.all_gather(own, all).map_err(lost)
    }

    fn broadcast(&self, bytes: &mut [u8]) -> crate::error::Result<()> {
        Mpi::broadcast(self, bytes).map_err(lost)
    }
}

fn lost(reason: String) -> Error {
    let hint = "Look at the hosts, and call fit again";
    Error::setting("MPI", "an answer of all ranks", reason, hint)
}
