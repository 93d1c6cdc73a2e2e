//! `candlebook run`: a notebook from top to bottom without Jupyter, with progress on the terminal.

use super::file::Notebook;
use crate::build::Session;
use crate::engine::{Engine, Outcome};
use crate::engine::{Event, Op};
use anyhow::{Context, Result};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// Runs every code cell, in the notebook's folder, and writes the notebook with its outputs. Stops at the first error;
/// what was reached is written all the same.
pub(crate) fn run(path: &Path, parameters: &[(String, String)], out: Option<&Path>) -> Result<()> {
    let mut notebook = Notebook::read(path)?;
    for (name, value) in parameters {
        notebook.set_parameter(name, value)?;
    }
    let out =
        std::path::absolute(out.unwrap_or(path)).context("the path of the output is not usable")?;
    notebook.clear_outputs();
    // Now rather than after hours of cells: whether the file can be written.
    notebook.write(&out)?;
    let mut session = Session::reserve()?;
    // SAFETY: no thread has been started yet.
    unsafe { crate::engine::set_environment(&session)? };
    session.fill()?;
    let start = Instant::now();
    // Jupyter runs a notebook in its folder: relative paths in cells mean the same here.
    if let Some(folder) = std::path::absolute(path)?.parent() {
        std::env::set_current_dir(folder)
            .with_context(|| format!("cannot enter {}", folder.display()))?;
    }
    let (sender, events) = channel();
    let sink = Box::new(move |event| {
        // The receiver lives as long as cells run.
        let _ = sender.send(event);
    });
    let mut engine = Engine::start(&session, sink)?;
    eprintln!(
        "{}: kernel ready after {:.1} s",
        path.display(),
        start.elapsed().as_secs_f64()
    );
    let result = run_cells(&mut notebook, &mut engine, &events, &out);
    notebook.finish();
    notebook.write(&out)?;
    eprintln!(
        "{}: {:.1} s, written to {}",
        path.display(),
        start.elapsed().as_secs_f64(),
        out.display()
    );
    result
}

fn run_cells(
    notebook: &mut Notebook,
    engine: &mut Engine,
    events: &Receiver<Event>,
    out: &Path,
) -> Result<()> {
    let cells: Vec<(usize, String)> = notebook
        .code_cells()
        .into_iter()
        .filter(|(_, source)| !source.trim().is_empty())
        .collect();
    for (n, (i, source)) in cells.iter().enumerate() {
        let count = n as u32 + 1;
        let first = source
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        eprint!("[{count}/{}] {first:.60} ", cells.len());
        let start = Instant::now();
        notebook.begin_cell(*i, count);
        let outcome = execute(engine, source, events, |event| {
            echo(&event);
            notebook.add_event(*i, &event);
        });
        eprintln!("({:.2} s)", start.elapsed().as_secs_f64());
        notebook.write(out)?;
        match outcome {
            Outcome::Ok(data) if data.is_empty() => {}
            Outcome::Ok(data) => notebook.add_result(*i, count, &data),
            Outcome::Error(error) => {
                notebook.add_error(*i, &error);
                let text = error.traceback.join("\n");
                anyhow::bail!("cell {count} failed:\n{source}\n\n{text}");
            }
        }
    }
    Ok(())
}

/// Runs a cell on a thread of its own, so that its events are handled while it runs.
fn execute(
    engine: &mut Engine,
    source: &str,
    events: &Receiver<Event>,
    mut handle: impl FnMut(Event),
) -> Outcome {
    std::thread::scope(|scope| {
        let running = scope.spawn(|| engine.execute(source, &|_, _| String::new()));
        while !running.is_finished() {
            if let Ok(event) = events.recv_timeout(std::time::Duration::from_millis(20)) {
                handle(event);
            }
        }
        // All events of a cell are in the channel before it is done.
        events.try_iter().for_each(&mut handle);
        match running.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// A cell's text on the terminal; of displays the plain text, and their changes only where a line can be rewritten.
fn echo(event: &Event) {
    let text = match event {
        Event::Stdout(text) | Event::Stderr(text) => text.clone(),
        Event::Display(display) => match (
            display.op,
            display
                .data
                .get("text/plain")
                .and_then(|text| text.as_str()),
        ) {
            (Op::Display, Some(text)) => format!("\n{text}\n"),
            (Op::Update, Some(text))
                if text.starts_with("epoch") && std::io::stderr().is_terminal() =>
            {
                format!("\r\x1b[2K{text}")
            }
            _ => return,
        },
    };
    eprint!("{text}");
    let _ = std::io::stderr().flush();
}
