//! The engine with everything around it that a front end needs: cells in, events and outcomes out.
//!
//! Knows nothing of Jupyter: the server and `candlebook run` are two front ends of it.

use crate::build::Session;
use crate::build::front;
use crate::engine::relay::{Control, Sink};
use crate::home;
use anyhow::{Context, Result};
use evcxr::{CommandContext, EvalCallbacks, EvalContext, Theme};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::{Map, Value};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// An engine at work in a session's folder.
pub(crate) struct Engine {
    context: CommandContext,
    control: Control,
    count: u32,
    optimisation: Optimisation,
}

/// How a cell ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It ran; the last expression's content by MIME type, if it had one that the helper did not show.
    Ok(Map<String, Value>),
    /// It failed.
    Error(CellError),
}

/// How much the compiler should optimise a cell. What cells call is compiled already, at the highest level; most cells only
/// call it, and compile twice as fast without optimisation. Those that count by themselves are worth the wait.
#[derive(Debug, Default)]
struct Optimisation {
    /// The level that builds have now, once it was set.
    level: Option<u8>,
    /// Whether a function was defined, which may be recursive or have a loop: later cells may call it, and compile it again each time.
    sticky: bool,
    /// Whether the user took the choice over by `:opt`.
    users: bool,
}

/// What code that counts by itself has in it.
const LOOPS: [&str; 9] = [
    "for ",
    "while ",
    "loop ",
    "loop{",
    ".map(",
    ".fold(",
    ".for_each(",
    ".sum",
    ".zip(",
];

impl Optimisation {
    /// The level for a cell, if it is not the one that builds have.
    fn wanted(&mut self, code: &str) -> Option<u8> {
        if let Some(level) = code
            .lines()
            .find_map(|line| line.trim().strip_prefix(":opt"))
        {
            self.users = true;
            let level = level.trim().parse().unwrap_or(2);
            return (self.level.replace(level) != Some(level)).then_some(level);
        }
        if self.users {
            return None;
        }
        let function = code.contains("fn ");
        let counts = function || LOOPS.iter().any(|mark| code.contains(mark));
        self.sticky |= function;
        let level = if counts || self.sticky { 2 } else { 0 };
        (self.level.replace(level) != Some(level)).then_some(level)
    }
}

/// Why a cell failed, in the parts of Jupyter's error message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CellError {
    /// The kind: `CompileError`, `Error` for a `?`, `Panic`, `Died`.
    pub(crate) name: String,
    /// One or a few lines.
    pub(crate) value: String,
    /// What is shown, coloured by ANSI codes.
    pub(crate) traceback: Vec<String>,
}

impl CellError {
    /// An error that is one sentence.
    pub(crate) fn new(name: &str, value: impl Into<String>) -> CellError {
        let value = value.into();
        CellError {
            name: name.into(),
            traceback: vec![format!("\x1b[31m{name}\x1b[0m: {value}")],
            value,
        }
    }
}

impl std::fmt::Display for CellError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.value)
    }
}

impl Outcome {
    /// As a result, for callers that only ask whether it worked.
    pub(crate) fn into_result(self) -> std::result::Result<Map<String, Value>, CellError> {
        match self {
            Outcome::Ok(data) => Ok(data),
            Outcome::Error(error) => Err(error),
        }
    }
}

/// Ends or interrupts what a cell does, from another thread.
#[derive(Clone)]
pub(crate) struct ChildHandle {
    child: Arc<Mutex<Child>>,
    running: Arc<AtomicBool>,
}

impl ChildHandle {
    /// Whether the cell's code runs, rather than being compiled.
    pub(crate) fn runs_cell(&self) -> bool {
        self.running.load(Ordering::SeqCst)
    }

    /// Sends the signal that the helper's loops look for.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Ends the process and those that cells started; the cell's outcome says that variables were lost.
    pub(crate) fn kill(&self) {
        if let Some(group) = self.id().and_then(|pid| Pid::from_raw(pid as i32)) {
            // A group that has just ended needs no signal.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// Ends the compilers that work for the cell: it then fails, and nothing else changes.
    pub(crate) fn end_compilers(&self) {
        let cells = self.id();
        for pid in descendants(std::process::id(), cells) {
            send(pid, Signal::KILL);
        }
    }

    fn id(&self) -> Option<u32> {
        Some(
            self.child
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .id(),
        )
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.id() {
            send(pid, signal);
        }
    }
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid as i32) {
        // A process that has just ended needs no signal.
        let _ = kill_process(pid, signal);
    }
}

/// Ends every process below this one.
pub(crate) fn end_descendants() {
    for pid in descendants(std::process::id(), None) {
        send(pid, Signal::KILL);
    }
}

/// The processes below one, without those below another.
fn descendants(of: u32, without: Option<u32>) -> Vec<u32> {
    let parent = |pid: u32| -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // pid (name) state parent; the name may hold anything, but ends at the last parenthesis.
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let all: Vec<(u32, u32)> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .filter(|(pid, _)| Some(*pid) != without)
        .collect();
    let mut found = vec![of];
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(
            all.iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| *pid),
        );
        at += 1;
    }
    found.split_off(1)
}

impl Engine {
    /// Starts the engine in a session's folder, with its seed's start-up commands; events go to the sink from a thread of
    /// their own. The environment must have been set for the session ([`set_environment`]).
    pub(crate) fn start(session: &Session, sink: Sink) -> Result<Engine> {
        let mut command =
            Command::new(std::env::current_exe().context("cannot find the program's own path")?);
        front::lay_out(session)?;
        let (name, path) = home::library_path(&session.folder)?;
        command
            .env("CANDLEBOOK_KERNEL", "1")
            .env("CARGO_HOME", front::cargo_home()?)
            .env("PATH", front::users_path());
        // A group of its own: what cells start ends with it.
        command
            .env(name, path)
            .env(crate::engine::child::HELPER, helper_library(session))
            .process_group(0);
        let control =
            Control::prepare(&mut command).context("cannot prepare the process that runs cells")?;
        control
            .relay(sink)
            .context("cannot start the thread that reads from cells")?;
        let (context, _outputs) = EvalContext::with_subprocess_command(command)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        // The engine's first evaluation, before there are dependencies, has emptied the lock file: without it cargo would
        // look for versions anew, for seconds, and take others than those that were tested.
        std::fs::copy(session.seed.lock_file(), session.folder.join("Cargo.lock"))
            .context("cannot write the session's Cargo.lock")?;
        let mut engine = Engine {
            context: CommandContext::with_eval_context(context),
            control,
            count: 0,
            optimisation: Optimisation::default(),
        };
        engine
            .execute(":load_config --quiet", &|_, _| String::new())
            .into_result()
            .map_err(|error| {
                anyhow::anyhow!(
                    "the prelude failed: {}\n{}",
                    error,
                    error.traceback.join("\n")
                )
            })?;
        engine.count = 0;
        Ok(engine)
    }

    /// A handle to the process that runs cells; it stays right when that is restarted.
    pub(crate) fn child(&self) -> ChildHandle {
        ChildHandle {
            child: self.context.process_handle(),
            running: self.control.running(),
        }
    }

    /// Runs a cell to its end. `input` answers a cell's question: prompt, and whether the answer is secret.
    pub(crate) fn execute(&mut self, code: &str, input: &dyn Fn(&str, bool) -> String) -> Outcome {
        self.count += 1;
        if let Some(level) = self.optimisation.wanted(code) {
            // As an environment variable of the build: the engine's own setting would make rust-analyzer start anew.
            let _ = self
                .context
                .execute(&format!(":build_env CARGO_PROFILE_DEV_OPT_LEVEL={level}"));
        }
        self.control.take_ending();
        let shown = crate::engine::code::shown(code).unwrap_or(crate::engine::code::Shown {
            code: code.to_owned(),
            lines: 0,
        });
        let mut callbacks = EvalCallbacks {
            input_reader: &|request| input(&request.prompt, request.is_password),
        };
        let result = self
            .context
            .execute_with_callbacks(&shown.code, &mut callbacks);
        let failure = self.control.take_ending().failure;
        match (result, failure) {
            (Err(error), _) => Outcome::Error(self.explain(error, code, shown.lines)),
            (Ok(_), Some(failure)) => Outcome::Error(if failure.panic {
                CellError::new("Panic", panic_message(&failure.message))
            } else {
                CellError::new("Error", failure.message.trim().to_owned())
            }),
            (Ok(outputs), None) => Outcome::Ok(
                outputs
                    .content_by_mime_type
                    .into_iter()
                    // A loop or an `if` at the end of a cell is an expression too, but has nothing to show.
                    .filter(|(_, text)| text != "()")
                    .map(|(mime, text)| {
                        let parsed = mime
                            .contains("json")
                            .then(|| serde_json::from_str(&text).ok())
                            .flatten();
                        (mime, parsed.unwrap_or(Value::String(text)))
                    })
                    .collect(),
            ),
        }
    }

    /// Names that cells can use now, each with its type where it is a variable.
    pub(crate) fn names(&self) -> Vec<(String, String)> {
        let variables = self
            .context
            .variables_and_types()
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        let items = self
            .context
            .defined_item_names()
            .map(|name| (name.to_owned(), String::new()));
        variables.chain(items).collect()
    }

    /// What may stand at a byte of the code.
    pub(crate) fn complete(&mut self, code: &str, byte: usize) -> Option<evcxr::Completions> {
        self.context.completions(code, byte).ok()
    }

    /// What is known about the name that ends at a byte of the code, as text and as HTML.
    pub(crate) fn inspect(&mut self, code: &str, end: usize) -> Option<(String, String)> {
        let (text, html) = self.context.hover_at(code, end).ok()?;
        (text != "No documentation found").then_some((text, html))
    }

    /// `lines` is how many lines stood above the cell when it was compiled.
    fn explain(&self, error: evcxr::Error, code: &str, lines: usize) -> CellError {
        match error {
            evcxr::Error::CompilationErrors(errors) => {
                let messages: Vec<String> = errors
                    .iter()
                    .map(|error| in_words(&error.message()))
                    .collect();
                let report = |error| in_words(&self.report(error, code, lines));
                let mut traceback: Vec<String> = errors.iter().map(report).collect();
                traceback.extend(
                    traceback
                        .iter()
                        .any(|text| text.contains("found `i32`"))
                        .then(|| INTEGERS.to_owned()),
                );
                CellError {
                    name: "CompileError".into(),
                    value: messages.join("\n"),
                    traceback,
                }
            }
            evcxr::Error::SubprocessTerminated(reason) => CellError::new("Died", died(&reason)),
            error => CellError::new("Error", error.to_string()),
        }
    }

    /// A compiler error with the lines of the cell that it is about.
    fn report(&self, error: &evcxr::CompilationError, code: &str, lines: usize) -> String {
        let code = "\n".repeat(lines) + code;
        let name = format!("cell {}", self.count);
        let mut drawn = Vec::new();
        let report = error.build_report(name.clone(), code.clone(), Theme::Light);
        match report.map(|report| report.write(ariadne::sources([(name, code)]), &mut drawn)) {
            Some(Ok(())) => renumber(
                &merge_colours(String::from_utf8_lossy(&drawn).trim_end()),
                lines,
            ),
            _ => error.rendered(),
        }
    }
}

/// Tells the engine where to work; it reads these when it is made.
///
/// # Safety
/// No other thread may run.
pub(crate) unsafe fn set_environment(session: &Session) -> Result<()> {
    // SAFETY: the caller promises that no other thread runs.
    unsafe {
        for (name, value) in session.seed.features().variables() {
            match value {
                Some(value) => std::env::set_var(name, value),
                None => std::env::remove_var(name),
            }
        }
        front::put_in_place(session)?;
        std::env::set_var("EVCXR_TMPDIR", &session.folder);
        std::env::set_var("EVCXR_CONFIG_DIR", session.seed.config());
    }
    Ok(())
}

/// The helper crate's shared library in a session's folder.
fn helper_library(session: &Session) -> PathBuf {
    let deps = session
        .folder
        .join("target")
        .join(home::host().unwrap_or_default())
        .join("debug/deps");
    let entries = std::fs::read_dir(deps)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let is_it = |path: &PathBuf| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        name.starts_with("libcandlebook") && name.ends_with(std::env::consts::DLL_SUFFIX)
    };
    entries.filter(is_it).max().unwrap_or_default()
}

/// What users of other notebooks trip over: a number is given its type in the cell that makes it.
const INTEGERS: &str = "A whole number that a cell keeps is an i32 unless its `let` says otherwise: let hidden: usize = 128;";

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

/// The compiler's words for a last expression that cannot be shown are about a method which the user never wrote.
fn in_words(message: &str) -> String {
    const METHOD: &str = "the method `evcxr_display` exists for reference `&";
    const BOUNDS: &str = "`, but its trait bounds were not satisfied";
    let Some((before, rest)) = message.split_once(METHOD) else {
        return message.to_owned();
    };
    let Some((name, after)) = rest.split_once(BOUNDS) else {
        return message.to_owned();
    };
    format!(
        "{before}a value of `{name}` cannot be shown: it has no `Debug`. End the cell with a semicolon, or derive it{after}"
    )
}

/// The report with the numbers of its lines reduced by those that stood above the cell.
fn renumber(report: &str, lines: usize) -> String {
    if lines == 0 {
        return report.to_owned();
    }
    let line = |line: &str| {
        let Some((head, rest)) = line.split_once(" │") else {
            return line.to_owned();
        };
        let from = head.rfind([' ', 'm']).map_or(0, |at| at + 1);
        match head[from..].parse::<usize>() {
            Ok(number) => {
                let width = head.len() - from;
                format!(
                    "{}{:>width$} │{rest}",
                    &head[..from],
                    number.saturating_sub(lines)
                )
            }
            Err(_) => line.to_owned(),
        }
    };
    report.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The message of a panic without the lines that name our own files and how to get a backtrace.
fn panic_message(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("note: run with `RUST_BACKTRACE"));
    let lines: Vec<&str> = lines.collect();
    let after = lines
        .iter()
        .rposition(|line| line.starts_with("thread '") && line.contains("panicked at"));
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
    } else if reason.contains("exit status: 99") {
        "could not load the cell: a crate added by :dep has changed one that was loaded already; run :dep first"
    } else if reason.contains("exit status") {
        "ended itself by exit()"
    } else {
        "ended"
    };
    let last = reason
        .lines()
        .last()
        .unwrap_or(reason)
        .replace("Subprocess terminated with status: ", "");
    format!(
        "the process that runs cells {why} ({last}). All variables are lost; the next cell starts a fresh one"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_count_are_optimised_and_others_compile_fast() {
        let mut optimisation = Optimisation::default();
        assert_eq!(optimisation.wanted("let data = mnist()?;"), Some(0));
        assert_eq!(optimisation.wanted("data"), None);
        assert_eq!(
            optimisation.wanted("for i in 0..3 { println!(\"{i}\"); }"),
            Some(2)
        );
        assert_eq!(optimisation.wanted("data"), Some(0));
        // A function with a loop is compiled into every cell after it.
        assert_eq!(optimisation.wanted("fn f() {}"), Some(2));
        assert_eq!(optimisation.wanted("f()"), None);
        let mut users = Optimisation::default();
        assert_eq!(users.wanted(":opt 1"), Some(1));
        assert_eq!(users.wanted("for i in 0..3 {}"), None);
    }

    #[test]
    fn colours_that_are_on_are_not_put_on_again() {
        let (grey, red, off) = ("\x1b[38;5;249m", "\x1b[31m", "\x1b[0m");
        let text = format!("{grey}a{off}{grey}b{off}{red}c{off} d");
        assert_eq!(merge_colours(&text), format!("{grey}ab{off}{red}c{off} d"));
    }

    #[test]
    fn what_cannot_be_shown_is_said_without_our_own_method() {
        let message = "the method `evcxr_display` exists for reference `&Foo`, but its trait bounds were not satisfied";
        let said = "a value of `Foo` cannot be shown: it has no `Debug`. End the cell with a semicolon, or derive it";
        assert_eq!(in_words(message), said);
        assert_eq!(in_words("other"), "other");
    }

    #[test]
    fn lines_above_a_cell_are_not_counted() {
        assert_eq!(
            renumber(" \x1b[38;5;246m10 │\x1b[0m a │ 7\n ── x", 1),
            " \x1b[38;5;246m 9 │\x1b[0m a │ 7\n ── x"
        );
        assert_eq!(renumber(" 2 │ a", 0), " 2 │ a");
    }

    #[test]
    fn the_end_of_the_process_is_told_in_words() {
        assert!(
            died("Subprocess terminated with status: signal: 11 (SIGSEGV)")
                .contains("segmentation fault")
        );
        assert!(
            died("x\nSubprocess terminated with status: exit status: 3")
                .contains("by exit() (exit status: 3)")
        );
        assert_eq!(
            panic_message(
                "thread 'main' panicked at src/lib.rs:5:1:\non purpose\nnote: run with `RUST_BACKTRACE=1`"
            ),
            "on purpose"
        );
    }
}
