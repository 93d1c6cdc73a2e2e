//! Runs a notebook from top to bottom, with progress on the terminal.

use super::end::{end_cells_at_signals, end_with_parent};
use super::file::{CodeCell, Notebook};
use super::parameter::Parameter;
use super::printer::{Printer, without_colors};
use super::record::Record;
use super::team;
use crate::build::{Extent, Session};
use crate::engine;
use crate::engine::{CANNOT_ASK, CellError, Engine, Event, Outcome, Sink};
use anyhow::{Context, Result};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Arguments of `candlebook run`.
#[derive(clap::Args)]
pub(crate) struct RunArgs {
    /// The notebook.
    notebook: PathBuf,
    /// Set a value in the cell tagged "parameters": NAME=VALUE, where VALUE is Rust.
    #[arg(short = 'p', value_name = "NAME=VALUE", value_parser = Parameter::parse)]
    parameters: Vec<Parameter>,
    /// File of the executed notebook. Defaults to the notebook itself.
    #[arg(short, long)]
    out: Option<PathBuf>,
    /// Folder in which the cells run. Defaults to the notebook's.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Train every model by the ranks that this command of MPI starts: "mpirun -n 4", or srun.
    #[arg(long, value_name = "COMMAND")]
    team: Option<String>,
}

/// Runs every code cell in the notebook's folder and writes the notebook with its outputs to `out`,
/// by default to its own file. Another file also gets a record of the run.
///
/// # Errors
/// At the first cell that fails, after the outputs so far have been written. Also if the notebook
/// cannot be read or written, or the engine does not start.
#[allow(unsafe_code)]
pub(crate) fn run_notebook(arguments: &RunArgs) -> Result<()> {
    end_with_parent();
    let path = arguments.notebook.as_path();
    team::check_alone(path)?;
    let mut notebook = Notebook::read(path)?;
    let out = arguments.out.as_deref().unwrap_or(path);
    let out = std::path::absolute(out).context("the path of the output is not usable")?;
    let record = arguments.out.as_ref();
    let record = record.map(|_| Record::begin(&notebook, &arguments.parameters));
    for parameter in &arguments.parameters {
        notebook.set_parameter(parameter)?;
    }
    notebook.clear_outputs();
    notebook.clear_record();
    // Fail before the first cell rather than at the end if the file cannot be written.
    notebook.write(&out)?;
    let folder = std::env::current_dir().context("the current folder is gone")?;
    enter(path, arguments.folder.as_deref())?;
    let mut session = Session::reserve()?;
    // SAFETY: no thread has been started yet.
    unsafe {
        engine::set_environment(&session)?;
        team::set_default(arguments.team.as_deref(), &folder);
        // For this process alone, and not for those that cells start.
        std::env::remove_var("CANDLEBOOK_PARENT");
    }
    session.fill(Extent::ForCompiler)?;
    let start = Instant::now();
    let seconds = || start.elapsed().as_secs_f64();
    let events = Events::new();
    let mut engine = Engine::start(&session, events.sink())?;
    end_cells_at_signals(engine.child())?;
    eprintln!("{}: kernel ready after {:.1} s", path.display(), seconds());
    let result = run_cells(&mut notebook, &mut engine, &events, &out);
    notebook.finish();
    if let Some(mut record) = record {
        // That of a cell replaces it.
        record.error = result.as_ref().err().map(|error| format!("{error:#}"));
        notebook.set_record(record, seconds());
    }
    notebook.write(&out)?;
    let written = out.display();
    eprintln!(
        "{}: {:.1} s, written to {written}",
        path.display(),
        seconds()
    );
    result
}

/// The queue of the cells' events.
struct Events {
    sender: Sender<Event>,
    receiver: Receiver<Event>,
}

impl Events {
    fn new() -> Events {
        let (sender, receiver) = channel();
        Events { sender, receiver }
    }

    fn sink(&self) -> Sink {
        let sender = self.sender.clone();
        Box::new(move |event| {
            // The receiver lives as long as cells run.
            let _ = sender.send(event);
        })
    }
}

/// Changes to a folder, by default the notebook's as Jupyter does, so that relative paths in cells
/// mean the same.
fn enter(notebook: &Path, folder: Option<&Path>) -> Result<()> {
    let notebook = std::path::absolute(notebook)?;
    if let Some(folder) = folder.or(notebook.parent()) {
        std::env::set_current_dir(folder)
            .with_context(|| format!("cannot enter {}", folder.display()))?;
    }
    Ok(())
}

fn run_cells(
    notebook: &mut Notebook,
    engine: &mut Engine,
    events: &Events,
    out: &Path,
) -> Result<()> {
    let mut backup = Backup::new(out);
    let mut cells = notebook.code_cells();
    cells.retain(|cell| !cell.source.trim().is_empty());
    for (n, CodeCell { index, source }) in cells.iter().enumerate() {
        let count = n as u32 + 1;
        let mut lines = source.lines();
        let first_line = lines.find(|line| !line.trim().is_empty());
        let title = first_line.unwrap_or_default();
        eprint!("[{count}/{}] {title:.60} ", cells.len());
        let start = Instant::now();
        notebook.begin_cell(*index, count);
        let mut printer = Printer::new(std::io::stderr(), std::io::stderr().is_terminal());
        let cell = engine::Cell {
            number: count,
            id: None,
            code: source,
        };
        let mut handle = |event: Event| {
            printer.print(&event);
            notebook.add_event(*index, &event);
        };
        let outcome = execute(engine, cell, events, &mut handle);
        for warning in engine.take_warnings() {
            handle(Event::Stderr(format!("{warning}\n")));
        }
        printer.finish();
        eprintln!("({:.2} s)", start.elapsed().as_secs_f64());
        backup.write(notebook)?;
        match outcome {
            Outcome::Ok(data) if data.is_empty() => {}
            Outcome::Ok(data) => notebook.add_result(*index, count, &data),
            Outcome::Error(error) => {
                notebook.add_error(*index, &error);
                let mut traceback = error.traceback.join("\n");
                if !std::io::stderr().is_terminal() {
                    traceback = without_colors(&traceback);
                }
                anyhow::bail!("cell {count} failed:\n{source}\n\n{traceback}");
            }
        }
    }
    Ok(())
}

/// Writes the notebook while it runs, in a tenth of the time: all outputs are written each time.
struct Backup<'a> {
    out: &'a Path,
    not_before: Instant,
}

impl Backup<'_> {
    fn new(out: &Path) -> Backup<'_> {
        Backup {
            out,
            not_before: Instant::now(),
        }
    }

    fn write(&mut self, notebook: &Notebook) -> Result<()> {
        let start = Instant::now();
        if start >= self.not_before {
            notebook.write(self.out)?;
            self.not_before = Instant::now() + 9 * start.elapsed();
        }
        Ok(())
    }
}

/// Runs a cell on its own thread, and handles its events while it runs.
fn execute(
    engine: &mut Engine,
    cell: engine::Cell,
    events: &Events,
    mut handle: impl FnMut(Event),
) -> Outcome {
    let sender = events.sender.clone();
    let ask = move |_: &str, _| {
        let _ = sender.send(Event::Stderr(CANNOT_ASK.into()));
        None
    };
    std::thread::scope(|scope| {
        let running = std::thread::Builder::new()
            .stack_size(engine::STACK)
            .spawn_scoped(scope, move || engine.execute(cell, &ask));
        let running = match running {
            Ok(running) => running,
            Err(error) => return Outcome::Error(CellError::new("EngineError", error.to_string())),
        };
        while !running.is_finished() {
            if let Ok(event) = events.receiver.recv_timeout(Duration::from_millis(20)) {
                handle(event);
            }
        }
        // All events of the cell are in the channel before its thread ends.
        events.receiver.try_iter().for_each(&mut handle);
        match running.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
