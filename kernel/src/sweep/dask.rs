//! Python's part of a sweep: Dask's cluster and the tasks on it (`kernel-spec/sweep`).

use super::job::Job;
use crate::home;
use crate::python::{self, DASK, find_python};
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// The modules of the Python package.
const MODULES: [(&str, &str); 2] = [
    ("candlebook_sweep.py", CLIENT),
    ("candlebook_task.py", TASK),
];
const CLIENT: &str = include_str!("../../../kernel-spec/sweep/candlebook_sweep.py");
const TASK: &str = include_str!("../../../kernel-spec/sweep/candlebook_task.py");
/// Variable by which a worker's tasks find the program.
const PROGRAM: &str = "CANDLEBOOK_PROGRAM";
/// Number of threads of a notebook, unless the user has set it.
const THREADS: &str = "RAYON_NUM_THREADS";

/// The place of the notebooks.
pub(super) enum Cluster {
    /// Processes of this machine.
    Local,
    /// A scheduler that runs already.
    Scheduler(String),
    /// Jobs of Slurm with these options.
    Slurm(Vec<String>),
}

impl Cluster {
    /// Jobs with these options of `sbatch`.
    ///
    /// # Errors
    /// If a quote is not closed, or Slurm is missing.
    pub(super) fn slurm(options: &str) -> Result<Cluster> {
        // sbatch reads the quotes in its line of the script by itself.
        if shlex::split(options).is_none() {
            bail!("--slurm: expected a closing quote, got the end of {options:?}");
        }
        if options.contains('\n') {
            bail!("--slurm: expected options in one line, got several");
        }
        let sbatch = home::tool("sbatch").and_then(|mut sbatch| home::output(sbatch.arg("-V")));
        if sbatch.is_err() {
            bail!(
                "--slurm: expected Slurm's sbatch on the path, got none. Run the sweep where it is, \
                 or use --print"
            );
        }
        Ok(Cluster::Slurm(vec![options.to_owned()]))
    }
}

/// Workers of this machine, and the cores of each.
#[derive(Clone, Copy)]
pub(super) struct Workers {
    pub(super) count: usize,
    pub(super) threads: usize,
}

impl Workers {
    /// As many as cores, unless the user wants another number or there are fewer notebooks.
    pub(super) fn new(wanted: Option<usize>, notebooks: usize) -> Workers {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = wanted.unwrap_or(cores).min(notebooks);
        Workers {
            count,
            threads: (cores / count.max(1)).max(1),
        }
    }
}

/// Runs the notebooks and writes the table.
///
/// # Errors
/// If Dask cannot be installed or started, a notebook fails, or the sweep is stopped.
pub(super) fn run(job: &Job, cluster: &Cluster, workers: Workers) -> Result<()> {
    let mut python = if job.points.is_empty() {
        // Only the table is written, without Dask.
        let mut python = home::tool(find_python("sweeps")?)?;
        python.args(["-I", "-c", CLIENT]);
        python
    } else {
        python::module(&environment()?, "candlebook_sweep")?
    };
    let mut json = serde_json::to_value(job)?;
    json["workers"] = json!(workers.count);
    match cluster {
        Cluster::Local => json["threads"] = json!(workers.threads),
        Cluster::Scheduler(address) => json["scheduler"] = json!(address),
        Cluster::Slurm(options) => json["slurm"] = json!(options),
    }
    end(run_to_end(&mut python, &json.to_string())?)
}

/// Runs a worker for sweeps of other machines until it is stopped.
///
/// # Errors
/// If Dask cannot be installed or started.
pub(super) fn work(scheduler: &str, workers: Workers) -> Result<()> {
    let mut python = python::module(&environment()?, "candlebook_sweep")?;
    python
        .args(["worker", scheduler])
        .args(["--nworkers", &workers.count.to_string(), "--nthreads", "1"])
        .args(["--resources", "notebook=1", "--memory-limit", "0"])
        .args(["--no-dashboard", "--local-directory"])
        .arg(std::env::temp_dir())
        .env(PROGRAM, std::env::current_exe()?);
    if std::env::var_os(THREADS).is_none() {
        python.env(THREADS, workers.threads.to_string());
    }
    end(run_to_end(&mut python, "")?)
}

/// The Python environment with Dask and our modules.
fn environment() -> Result<std::path::PathBuf> {
    let environment = DASK.install()?;
    let print = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let mut python = home::tool(python::interpreter(&environment))?;
    let packages = home::output(python.args(["-I", "-c", print]))?;
    for (name, text) in MODULES {
        let path = Path::new(packages.trim()).join(name);
        if std::fs::read_to_string(&path).is_ok_and(|installed| installed == text) {
            continue;
        }
        home::write_atomically(&path, text.as_bytes())?;
    }
    Ok(environment)
}

/// Runs Python in a process group of its own, so that Ctrl-C does not end its workers before their
/// notebooks, and passes signals on.
fn run_to_end(python: &mut Command, input: &str) -> Result<ExitStatus> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot handle signals")?;
    let mut child = python
        .process_group(0)
        .stdin(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", python.get_program().to_string_lossy()))?;
    if let Some(pid) = Pid::from_raw(child.id() as i32) {
        std::thread::spawn(move || {
            for signal in signals.forever() {
                let signal = if signal == SIGINT {
                    Signal::INT
                } else {
                    Signal::TERM
                };
                let _ = kill_process(pid, signal);
            }
        });
    }
    write_input(&mut child, input)?;
    child.wait().context("cannot wait for Python")
}

fn write_input(child: &mut Child, input: &str) -> Result<()> {
    let mut pipe = child.stdin.take().context("no standard input")?;
    // A process that has ended says why by itself.
    let _ = pipe.write_all(input.as_bytes());
    Ok(())
}

fn end(status: ExitStatus) -> Result<()> {
    match status.code() {
        Some(0) => Ok(()),
        // It has said why.
        Some(code) => std::process::exit(code),
        None => bail!("Python ended: {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_worker_has_at_least_one_core() {
        let cores = std::thread::available_parallelism().unwrap().get();
        let all = Workers::new(None, usize::MAX);
        assert_eq!((all.count, all.threads), (cores, 1));
        assert_eq!(Workers::new(Some(1), 9).threads, cores);
        assert_eq!(Workers::new(None, 1).threads, cores);
        assert_eq!(Workers::new(Some(4 * cores), usize::MAX).threads, 1);
    }
}
