//! A rank: one of the processes that train a model together. A launcher of MPI starts this program, and
//! the helper does the rest.

use crate::build::Seed;
use crate::engine::{HELPER, SEED, helper_library};
use crate::toolchain;
use anyhow::{Context, Result, bail};
use libloading::Library;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Arguments that the helper reads by itself.
#[derive(clap::Args)]
pub(crate) struct RankArgs {
    /// Folder of the job.
    #[arg(long)]
    job: Option<PathBuf>,
    /// Seconds without an answer after which a rank counts as gone.
    #[arg(long, default_value = "60")]
    timeout: f64,
    /// Path of the MPI library.
    #[arg(long)]
    mpi: Option<PathBuf>,
    /// Only say which rank this is.
    #[arg(long)]
    check: bool,
    /// Only start two ranks that say which ones they are.
    #[arg(long)]
    find: bool,
}

/// Becomes a rank. The helper's library needs search paths, which a process only gets when it starts: this
/// one starts itself again.
///
/// # Errors
/// If the helper is not compiled on this machine, or its library cannot be loaded.
pub(crate) fn become_rank(_: &RankArgs) -> Result<ExitCode> {
    match std::env::var_os(HELPER).map(PathBuf::from) {
        Some(library) => run(&library),
        None => start_again(),
    }
}

/// The launcher and the library of MPI that a team would use, in their own words.
///
/// # Errors
/// If there is none, they do not match, or the helper is not compiled on this machine.
pub(crate) fn find_mpi() -> Result<String> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args(["rank", "--find"]).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if !output.status.success() {
        bail!("{}", text(&output.stderr));
    }
    Ok(text(&output.stdout))
}

fn start_again() -> Result<ExitCode> {
    let seed = Seed::find()?;
    if !seed.exists() {
        bail!(
            "expected a compiled helper, got none on this machine. Run `candlebook install` here"
        );
    }
    let session = seed.session();
    let (name, value) = toolchain::library_path(&session)?;
    let key = seed.folder.file_name().unwrap_or_default();
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(std::env::args_os().skip(1))
        .env(name, value)
        .env(SEED, key)
        .env(HELPER, helper_library(&session));
    Err(command.exec()).context("cannot start this program again")
}

#[allow(unsafe_code)]
fn run(library: &Path) -> Result<ExitCode> {
    let name = library.display();
    // SAFETY: the library is the helper crate, compiled for this program; it is never unloaded.
    let library = Box::leak(Box::new(
        unsafe { Library::new(library) }.with_context(|| format!("cannot load {name}"))?,
    ));
    // SAFETY: this is a function of the helper crate without arguments.
    let rank = unsafe { library.get::<extern "C" fn() -> i32>(b"candlebook_rank") }
        .with_context(|| format!("{name} is of another version"))?;
    let code = rank();
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
