//! The `candlebook` program: it installs the kernel, opens notebooks, and is the kernel itself.
//! `ARCHITECTURE.md` has the map.

mod home;
mod python;
mod shipped;
mod timings;
mod toolchain;
mod working_folder;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod sleep;
mod standard_streams;
mod build;
mod engine;
mod jupyter;
mod notebook;
mod rank;
mod sweep;
mod doctor;

use anyhow::{Context, Result, bail};
use build::{Features, Seed, Session};
use clap::{Parser, Subcommand};
use jupyter::SpecLocation;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::ExitCode;

/// Cells use this allocator too, because they run in a process of this program. Training in a cell
/// is twice as fast with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A Jupyter kernel for deep-learning experiments in Rust.
#[derive(Parser)]
#[command(name = "candlebook", version)]
struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Subcommand)]
enum CliCommand {
    /// Build the helper crate for the kernel and register the kernel in Jupyter.
    Install {
        /// Features of candle, separated by commas: cuda, cudnn, nccl, metal, accelerate. They persist
        /// until the next `install --features ...`; "" clears them. `cuda` needs NVIDIA's toolkit
        /// (nvcc).
        #[arg(long, value_name = "NAMES", value_parser = Features::parse)]
        features: Option<Features>,
        #[command(flatten)]
        location: LocationArgs,
    },
    /// Unregister the kernel in Jupyter and remove the files that install created.
    Uninstall {
        #[command(flatten)]
        location: LocationArgs,
    },
    /// Open a notebook in JupyterLab, after installing what is missing.
    Lab {
        /// The notebook. Defaults to an introduction, which an installed program copies into the
        /// current folder.
        notebook: Option<PathBuf>,
        /// Arguments for JupyterLab, after `--`: for instance `-- --no-browser --port 8899`.
        #[arg(last = true)]
        jupyter: Vec<String>,
    },
    /// Run a notebook from top to bottom without Jupyter.
    Run(notebook::RunArgs),
    /// Run a notebook at every combination of parameters, in parallel on Dask, and write a table of
    /// the results.
    Sweep(sweep::SweepArgs),
    /// Check everything that the kernel needs, and give advice on what is missing.
    Doctor,
    /// Run as a kernel; called by Jupyter.
    Kernel {
        /// Jupyter's connection file.
        #[arg(long)]
        connection_file: PathBuf,
        /// Run evcxr_jupyter's own server instead, to compare with.
        #[arg(long)]
        stock: bool,
    },
    /// Train as a rank of a job; called by a launcher of MPI.
    #[command(hide = true)]
    Rank(rank::RankArgs),
    /// Warm up the engine in a seed's folder; called by install.
    #[command(hide = true)]
    InternalWarmUp {
        #[arg(long)]
        folder: PathBuf,
    },
}

#[derive(clap::Args)]
struct LocationArgs {
    /// Register in the active Python environment instead of the user's Jupyter folder.
    #[arg(long, conflicts_with = "prefix")]
    sys_prefix: bool,
    /// Register below this folder instead, in share/jupyter/kernels.
    #[arg(long)]
    prefix: Option<PathBuf>,
}

impl LocationArgs {
    fn location(&self) -> SpecLocation {
        match (&self.prefix, self.sys_prefix) {
            (Some(prefix), _) => SpecLocation::Prefix(prefix.clone()),
            (None, true) => SpecLocation::SysPrefix,
            (None, false) => SpecLocation::User,
        }
    }
}

#[allow(unsafe_code)]
fn main() -> ExitCode {
    if let Some(code) = build::run_shim_if_called() {
        return code;
    }
    if engine::is_child() {
        working_folder::enter_notebook_folder();
        if !engine::is_own_child() {
            engine::run_stock_child();
        }
        #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
        sleep::end_early_if(engine::is_urgent);
        engine::run_child();
    }
    evcxr::runtime_hook();
    jupyter::become_stock_server_if_asked();
    // SAFETY: no thread has been started yet.
    unsafe { toolchain::tidy_environment() };
    let command = match Cli::parse().command {
        CliCommand::Rank(arguments) => {
            return rank::become_rank(&arguments).unwrap_or_else(|error| {
                eprintln!("candlebook: {error:#}");
                ExitCode::FAILURE
            });
        }
        command => command,
    };
    match execute(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("candlebook: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: CliCommand) -> Result<()> {
    match command {
        CliCommand::Install { features, location } => install(features, &location.location()),
        CliCommand::Uninstall { location } => uninstall(&location.location()),
        CliCommand::Lab { notebook, jupyter } => lab(notebook, &jupyter),
        CliCommand::Run(arguments) => notebook::run_notebook(&arguments),
        CliCommand::Sweep(arguments) => sweep::sweep(&arguments),
        CliCommand::Doctor => doctor::print_findings(),
        CliCommand::Kernel {
            connection_file,
            stock: true,
        } => jupyter::serve_stock_kernel(&connection_file),
        CliCommand::Kernel {
            connection_file,
            stock: false,
        } => jupyter::serve_kernel(&connection_file),
        CliCommand::Rank(_) => Ok(()),
        CliCommand::InternalWarmUp { folder } => engine::run_warm_up(&folder),
    }
}

fn install(features: Option<Features>, location: &SpecLocation) -> Result<()> {
    toolchain::install_missing();
    let features = match features {
        Some(features) => features.with_environment()?,
        None => Features::chosen()?,
    };
    let mut seed = Seed::with(features.clone())?;
    seed.make_ready()?;
    // Save after the build: if it fails, kernels keep using the earlier selection.
    features.save()?;
    let folder = location.register()?;
    eprintln!(
        "candlebook: registered in Jupyter ({}). Open a notebook: {} lab",
        folder.display(),
        jupyter::program_name()
    );
    Ok(())
}

fn uninstall(location: &SpecLocation) -> Result<()> {
    match location.unregister()? {
        Some(folder) => eprintln!("candlebook: removed {}", folder.display()),
        None => eprintln!(
            "candlebook: not registered in {}",
            location.spec_folder()?.display()
        ),
    }
    // Environments that registered the kernel share these files, so only the user's own uninstall
    // removes them.
    if !matches!(location, SpecLocation::User) {
        return Ok(());
    }
    let home = home::folder()?;
    Session::remove_dead(&home.join("sessions"));
    Seed::remove_all()?;
    for part in ["bin", "python"] {
        let folder = home.join(part);
        if folder.is_dir() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
    }
    Features::forget()?;
    home::remove_if_unused()
}

fn lab(notebook: Option<PathBuf>, arguments: &[String]) -> Result<()> {
    let notebook = match notebook {
        Some(notebook) => notebook,
        None => jupyter::introduction()?,
    };
    if !notebook.is_file() {
        bail!(
            "expected a notebook at {}, got nothing there. Give the path of one",
            notebook.display()
        );
    }
    toolchain::install_missing();
    let mut lab = jupyter::lab_command(&notebook, arguments)?;
    Seed::find()?.make_ready()?;
    if !SpecLocation::User.is_current() && !jupyter::finds_shipped_kernel(&lab) {
        SpecLocation::User.register()?;
    }
    let error = lab.exec();
    Err(error).with_context(|| format!("cannot start {}", lab.get_program().to_string_lossy()))
}
