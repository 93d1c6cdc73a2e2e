//! The `candlebook` program: installs, opens and is the kernel. `ARCHITECTURE.md` has the map.

mod home;
mod build;
mod engine;
mod jupyter;
mod notebook;
mod doctor;

use anyhow::{Context, Result, bail};
use build::{Features, features, front, seed, session};
use clap::{Parser, Subcommand};
use engine::{child, warm_up};
use jupyter::{server, spec, stock};
use notebook::run;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Cells find this allocator's `malloc` too, since this program is also the process that runs them: training in a cell
/// is twice as fast with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A Jupyter kernel for Rust in which deep-learning experiments feel direct.
#[derive(Parser)]
#[command(name = "candlebook", version)]
struct Arguments {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Subcommand)]
enum Subcommands {
    /// Build the helper crate for the kernel and register the kernel in Jupyter.
    Install {
        /// Build the helper with these of candle's features, joined by commas: cuda, cudnn, metal, accelerate. They
        /// stay until an install names others; "" names none. `cuda` needs NVIDIA's toolkit (nvcc).
        #[arg(long, value_name = "NAMES", value_parser = features::parse)]
        features: Option<Features>,
        #[command(flatten)]
        place: PlaceArguments,
    },
    /// Take the kernel out of Jupyter and remove what install made.
    Uninstall {
        #[command(flatten)]
        place: PlaceArguments,
    },
    /// Open a notebook in JupyterLab; installs what is missing first.
    Lab {
        /// The notebook.
        #[arg(default_value = "notebooks/mnist_autoencoder.ipynb")]
        notebook: PathBuf,
        /// Passed on to JupyterLab, after `--`: for instance `-- --no-browser --port 8899`.
        #[arg(last = true)]
        jupyter: Vec<String>,
    },
    /// Run a notebook from top to bottom without Jupyter.
    Run {
        /// The notebook.
        notebook: PathBuf,
        /// Set a value in the cell tagged "parameters": NAME=VALUE, where VALUE is Rust.
        #[arg(short = 'p', value_name = "NAME=VALUE", value_parser = parameter)]
        parameters: Vec<(String, String)>,
        /// Where the executed notebook goes. Defaults to the notebook itself.
        #[arg(short, long)]
        out: Option<PathBuf>,
    },
    /// Check everything the kernel needs, and say how to mend what is missing.
    Doctor,
    /// Be a kernel; called by Jupyter.
    Kernel {
        /// Jupyter's connection file.
        #[arg(long)]
        connection_file: PathBuf,
        /// Be evcxr_jupyter's own server instead, to compare with.
        #[arg(long)]
        stock: bool,
    },
    /// Warm the engine up in a seed's folder; called by install.
    #[command(hide = true)]
    InternalWarmUp {
        #[arg(long)]
        folder: PathBuf,
    },
}

#[derive(clap::Args)]
struct PlaceArguments {
    /// Register for the Python environment in use instead of the user.
    #[arg(long, conflicts_with = "prefix")]
    sys_prefix: bool,
    /// Register under this folder instead (it gets share/jupyter/kernels).
    #[arg(long)]
    prefix: Option<PathBuf>,
}

impl PlaceArguments {
    fn place(&self) -> spec::Place {
        match (&self.prefix, self.sys_prefix) {
            (Some(prefix), _) => spec::Place::Prefix(prefix.clone()),
            (None, true) => spec::Place::SysPrefix,
            (None, false) => spec::Place::User,
        }
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("expected NAME=VALUE, such as hidden=64")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn main() -> ExitCode {
    if let Some(code) = front::run_if_asked() {
        return code;
    }
    if child::is_wanted() {
        child::run();
    }
    evcxr::runtime_hook();
    stock::become_if_asked();
    // SAFETY: the program has one thread here.
    unsafe { home::tidy_environment() };
    match carry_out(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("candlebook: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: Subcommands) -> Result<()> {
    match command {
        Subcommands::Install { features, place } => install(features, &place.place()),
        Subcommands::Uninstall { place } => uninstall(&place.place()),
        Subcommands::Lab { notebook, jupyter } => lab(&notebook, &jupyter),
        Subcommands::Run {
            notebook,
            parameters,
            out,
        } => run::run(&notebook, &parameters, out.as_deref()),
        Subcommands::Doctor => doctor::run(),
        Subcommands::Kernel {
            connection_file,
            stock: true,
        } => stock::run(&connection_file),
        Subcommands::Kernel {
            connection_file,
            stock: false,
        } => server::run(&connection_file),
        Subcommands::InternalWarmUp { folder } => warm_up::run_warm_up(&folder),
    }
}

fn install(features: Option<Features>, place: &spec::Place) -> Result<()> {
    let features = match features {
        Some(features) => features.with_environment()?,
        None => Features::chosen()?,
    };
    seed::Seed::with(features.clone())?.make_ready()?;
    // Only now: where the build fails, kernels go on with what they had.
    features.save()?;
    let folder = spec::register(place)?;
    eprintln!(
        "candlebook: registered in Jupyter ({}). Open a notebook: cargo candlebook lab",
        folder.display()
    );
    Ok(())
}

fn uninstall(place: &spec::Place) -> Result<()> {
    match spec::unregister(place)? {
        Some(folder) => eprintln!("candlebook: removed {}", folder.display()),
        None => eprintln!(
            "candlebook: was not registered in {}",
            place.spec_folder()?.display()
        ),
    }
    // What other registrations use stays, unless the user's own was taken out.
    if !matches!(place, spec::Place::User) {
        return Ok(());
    }
    let home = home::folder()?;
    session::remove_dead(&home.join("sessions"));
    seed::remove_all()?;
    for part in ["bin", "python"] {
        let folder = home.join(part);
        if folder.is_dir() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
    }
    features::forget()
}

fn lab(notebook: &Path, arguments: &[String]) -> Result<()> {
    if !notebook.is_file() {
        bail!(
            "expected a notebook at {}, got nothing there. Give the path of one",
            notebook.display()
        );
    }
    let lab = spec::lab()?;
    seed::Seed::find()?.make_ready()?;
    if !spec::is_current(&spec::Place::User) {
        spec::register(&spec::Place::User)?;
    }
    let error = Command::new(&lab).arg(notebook).args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {}", lab.display()))
}
