//! The engine with everything around it that a front end needs: cells in, events and outcomes out.
//!
//! Knows nothing of Jupyter: the server and `candlebook run` are two front ends of it.

use crate::relay::{Control, Sink};
use anyhow::{Context, Result};
use evcxr::{CommandContext, EvalCallbacks, EvalContext, Theme};
use serde_json::{Map, Value};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};

/// An engine at work in a session's folder.
pub struct Engine {
    context: CommandContext,
    control: Control,
    count: u32,
}

/// How a cell ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It ran; the last expression's content by MIME type, if it had one that the helper did not show.
    Ok(Map<String, Value>),
    /// It failed.
    Error(CellError),
}

/// Why a cell failed, in the parts of Jupyter's error message.
#[derive(Clone, Debug, PartialEq)]
pub struct CellError {
    /// The kind: `CompileError`, `Error` for a `?`, `Panic`, `Died`.
    pub name: String,
    /// One or a few lines.
    pub value: String,
    /// What is shown, coloured by ANSI codes.
    pub traceback: Vec<String>,
}

impl std::fmt::Display for CellError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.value)
    }
}

impl Outcome {
    /// As a result, for callers that only ask whether it worked.
    pub fn into_result(self) -> std::result::Result<Map<String, Value>, CellError> {
        match self {
            Outcome::Ok(data) => Ok(data),
            Outcome::Error(error) => Err(error),
        }
    }
}

/// Ends or interrupts the process that runs cells, from another thread.
#[derive(Clone)]
pub struct ChildHandle(Arc<Mutex<Child>>);

impl ChildHandle {
    /// Sends the signal that the helper's loops look for.
    pub fn interrupt(&self) {
        self.signal(rustix::process::Signal::INT);
    }

    /// Ends the process; the cell's outcome says that variables were lost.
    pub fn kill(&self) {
        self.signal(rustix::process::Signal::KILL);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let id = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).id();
        if let Some(pid) = rustix::process::Pid::from_raw(id as i32) {
            // A process that has just ended needs no signal.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

impl Engine {
    /// Starts the engine in a folder, with the start-up commands of a configuration folder; events go to the sink from
    /// a thread of their own.
    ///
    /// Sets environment variables of this process: call it before other threads read them.
    pub fn start(folder: &Path, config: &Path, sink: Sink) -> Result<Engine> {
        set_environment(folder, config);
        let mut command = Command::new(std::env::current_exe().context("cannot find the program's own path")?);
        let (name, path) = crate::home::library_path(folder)?;
        command.env("CANDLEBOOK_KERNEL", "1").env(name, path);
        let control = Control::prepare(&mut command).context("cannot prepare the process that runs cells")?;
        control.relay(sink).context("cannot start the thread that reads from cells")?;
        let (context, _outputs) =
            EvalContext::with_subprocess_command(command).map_err(|error| anyhow::anyhow!("{error}"))?;
        let mut engine = Engine { context: CommandContext::with_eval_context(context), control, count: 0 };
        engine
            .execute(":load_config --quiet", &|_, _| String::new())
            .into_result()
            .map_err(|error| anyhow::anyhow!("the prelude failed: {}\n{}", error, error.traceback.join("\n")))?;
        engine.count = 0;
        Ok(engine)
    }

    /// A handle to the process that runs cells; it stays right when that is restarted.
    pub fn child(&self) -> ChildHandle {
        ChildHandle(self.context.process_handle())
    }

    /// Runs a cell to its end. `input` answers a cell's question: prompt, and whether the answer is secret.
    pub fn execute(&mut self, code: &str, input: &dyn Fn(&str, bool) -> String) -> Outcome {
        self.count += 1;
        self.control.take_ending();
        let mut callbacks = EvalCallbacks { input_reader: &|request| input(&request.prompt, request.is_password) };
        let result = self.context.execute_with_callbacks(code, &mut callbacks);
        let failure = self.control.take_ending().failure;
        match (result, failure) {
            (Err(error), _) => Outcome::Error(self.explain(error, code)),
            (Ok(_), Some(failure)) => Outcome::Error(if failure.panic {
                plain("Panic", panic_message(&failure.message))
            } else {
                plain("Error", failure.message.trim().to_owned())
            }),
            (Ok(outputs), None) => Outcome::Ok(
                outputs
                    .content_by_mime_type
                    .into_iter()
                    // A loop or an `if` at the end of a cell is an expression too, but has nothing to show.
                    .filter(|(_, text)| text != "()")
                    .map(|(mime, text)| {
                        let parsed = mime.contains("json").then(|| serde_json::from_str(&text).ok()).flatten();
                        (mime, parsed.unwrap_or(Value::String(text)))
                    })
                    .collect(),
            ),
        }
    }

    fn explain(&self, error: evcxr::Error, code: &str) -> CellError {
        match error {
            evcxr::Error::CompilationErrors(errors) => {
                let messages: Vec<String> = errors.iter().map(|error| error.message()).collect();
                let mut traceback: Vec<String> = errors.iter().map(|error| self.report(error, code)).collect();
                traceback
                    .extend(traceback.iter().any(|text| text.contains("found `i32`")).then(|| INTEGERS.to_owned()));
                CellError { name: "CompileError".into(), value: messages.join("\n"), traceback }
            }
            evcxr::Error::SubprocessTerminated(reason) => plain("Died", died(&reason)),
            error => plain("Error", error.to_string()),
        }
    }

    /// A compiler error with the lines of the cell that it is about.
    fn report(&self, error: &evcxr::CompilationError, code: &str) -> String {
        let name = format!("cell {}", self.count);
        let mut drawn = Vec::new();
        let report = error.build_report(name.clone(), code.to_owned(), Theme::Light);
        match report.map(|report| report.write(ariadne::sources([(name, code.to_owned())]), &mut drawn)) {
            Some(Ok(())) => merge_colours(String::from_utf8_lossy(&drawn).trim_end()),
            _ => error.rendered(),
        }
    }
}

/// Tells the engine where to work. The engine reads these once, when it is made.
fn set_environment(folder: &Path, config: &Path) {
    // SAFETY: called before this process starts a thread that reads the environment.
    unsafe {
        std::env::set_var("EVCXR_TMPDIR", folder);
        std::env::set_var("EVCXR_CONFIG_DIR", config);
    }
}

/// What users of other notebooks trip over: a number is given its type in the cell that makes it.
const INTEGERS: &str =
    "A whole number that a cell keeps is an i32 unless its `let` says otherwise: let hidden: usize = 128;";

/// The report's source lines have each character coloured by itself: a colour that is on already is not put on again.
fn merge_colours(text: &str) -> String {
    const OFF: &str = "\x1b[0m";
    let mut out = String::with_capacity(text.len() / 4);
    let mut on = "";
    let mut rest = text;
    while let Some(start) = rest.find(OFF) {
        out.push_str(&rest[..start]);
        if let Some(code) = rest[..start].rfind("\x1b[") {
            let code = &rest[code..start];
            on = &code[..code.find('m').map_or(0, |end| end + 1)];
        }
        rest = &rest[start + OFF.len()..];
        match rest.strip_prefix(on) {
            Some(same) if !on.is_empty() => rest = same,
            _ => {
                out.push_str(OFF);
                on = "";
            }
        }
    }
    out + rest
}

fn plain(name: &str, value: String) -> CellError {
    let traceback = vec![format!("\x1b[31m{name}\x1b[0m: {value}")];
    CellError { name: name.into(), value, traceback }
}

/// The message of a panic without the lines that name our own files and how to get a backtrace.
fn panic_message(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with("note: run with `RUST_BACKTRACE"));
    let lines: Vec<&str> = lines.collect();
    let after = lines.iter().rposition(|line| line.starts_with("thread '") && line.contains("panicked at"));
    match after {
        Some(at) if at + 1 < lines.len() => lines[at + 1..].join("\n"),
        _ => lines.join("\n"),
    }
}

/// The end of the child process in words.
fn died(reason: &str) -> String {
    let why = if reason.contains("SIGKILL") {
        "was killed: by Stop, or by the system for want of memory"
    } else if reason.contains("SIGSEGV") {
        "touched memory that is not its own (segmentation fault)"
    } else if reason.contains("SIGABRT") {
        "aborted: a stack overflow, a failed allocation or a call of abort()"
    } else if reason.contains("exit status") {
        "ended itself by exit()"
    } else {
        "ended"
    };
    let last = reason.lines().last().unwrap_or(reason).replace("Subprocess terminated with status: ", "");
    format!("the process that runs cells {why} ({last}). All variables are lost; the next cell starts a fresh one")
}
