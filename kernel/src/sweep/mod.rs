//! `candlebook sweep`: a notebook at every combination of parameters, in parallel.
//!
//! Uses `home`, `python`, `build`, `engine` and `notebook`. Each point is one `candlebook run`, one
//! task on Dask.

mod grid;
mod names;
mod job;
mod dask;

use crate::build::Seed;
use crate::toolchain;
use anyhow::Result;
use dask::{Cluster, Workers};
use grid::Axis;
use job::Job;
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `candlebook sweep`.
#[derive(clap::Args)]
pub(crate) struct SweepArgs {
    /// The notebook.
    #[arg(required_unless_present = "worker")]
    notebook: Option<PathBuf>,
    /// Values of a parameter in the cell tagged "parameters": NAME=VALUE,VALUE, where each VALUE is
    /// Rust. Several parameters give every combination.
    #[arg(short = 'p', value_name = "NAME=VALUE,VALUE", value_parser = Axis::parse)]
    parameters: Vec<Axis>,
    /// Folder of the executed notebooks and of the table, results.csv. Notebooks that have finished
    /// there are not run again.
    #[arg(short, long, required_unless_present = "worker")]
    out: Option<PathBuf>,
    /// Number of notebooks that run at the same time on this machine, or of Slurm's jobs. Defaults to
    /// the number of cores.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    workers: Option<u16>,
    /// Address of a Dask scheduler that runs already: tcp://host:8786.
    #[arg(long, value_name = "ADDRESS", group = "place")]
    scheduler: Option<String>,
    /// Run on Slurm, each worker a job with these options of sbatch: "--time=2:00:00 --mem=4G".
    #[arg(
        long,
        value_name = "OPTIONS",
        group = "place",
        allow_hyphen_values = true
    )]
    slurm: Option<String>,
    /// Print one shell command for each notebook and run nothing, for Slurm's arrays and GNU parallel.
    #[arg(long, group = "place")]
    print: bool,
    /// Run notebooks for sweeps of other machines, by their Dask scheduler.
    #[arg(long, value_name = "ADDRESS", group = "place", conflicts_with_all = ["notebook", "parameters", "out"])]
    worker: Option<String>,
}

/// Runs a notebook at every point that has not finished yet.
///
/// # Errors
/// If an argument is wrong, Dask cannot be started, or a notebook fails.
pub(crate) fn sweep(arguments: &SweepArgs) -> Result<()> {
    let workers = |notebooks| Workers::new(arguments.workers.map(usize::from), notebooks);
    if let Some(scheduler) = &arguments.worker {
        make_ready()?;
        return dask::work(scheduler, workers(usize::MAX));
    }
    let (Some(notebook), Some(out)) = (&arguments.notebook, &arguments.out) else {
        anyhow::bail!("expected a notebook and a folder, -o");
    };
    let job = Job::new(notebook, &arguments.parameters, out)?;
    if let Some(sentence) = job.earlier() {
        eprintln!("candlebook: {sentence}");
    }
    if arguments.print {
        return print(&job);
    }
    let cluster = match (&arguments.scheduler, &arguments.slurm) {
        (Some(address), _) => Cluster::Scheduler(address.clone()),
        (_, Some(options)) => Cluster::slurm(options)?,
        (None, None) => Cluster::Local,
    };
    crate::home::create_folder(&job.out)?;
    if matches!(cluster, Cluster::Local) && !job.points.is_empty() {
        make_ready()?;
    }
    dask::run(&job, &cluster, workers(job.points.len()))
}

/// Builds the helper crate now, rather than in the first notebook while the others wait.
fn make_ready() -> Result<()> {
    toolchain::install_missing();
    Seed::find()?.make_ready()
}

/// Prints the commands. Errors are ignored: they mean that the reader has enough.
fn print(job: &Job) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for command in job.commands()? {
        if writeln!(out, "{command}").is_err() {
            break;
        }
    }
    Ok(())
}
