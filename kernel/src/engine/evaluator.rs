//! The engine: evcxr with its child process, its compiler and its error messages.
//!
//! Knows nothing of Jupyter: the server and `candlebook run` are two front ends of it.

use super::child::HELPER;
use super::code::{check_depth, prepare};
use super::control::Control;
use super::dependencies::Dependencies;
use super::event::{SharedSink, Sink};
use super::optimization::Optimization;
use super::outcome::{CellError, Outcome};
use super::process::ChildHandle;
use super::protocol::new_token;
use super::relay::Failure;
use super::report::{
    INTEGER_HINT, engine_message, exit_message, full_disk, merge_colors, panic_message,
    plain_message, renumber,
};
use crate::build::{self, Session, TOKEN};
use crate::toolchain;
use crate::working_folder::{leave_notebook_folder, notebook_folder};
use anyhow::{Context, Result};
use evcxr::{CommandContext, EvalCallbacks, EvalContext, EvalOutputs, Theme};
use serde_json::{Map, Value};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// Stack of a thread that runs an engine, in bytes. It is taken only as it is used.
pub(crate) const STACK: usize = 256 << 20;

/// An evcxr engine in a session's folder.
pub(crate) struct Engine {
    context: CommandContext,
    control: Control,
    count: u32,
    optimization: Optimization,
    dependencies: Dependencies,
}

impl Engine {
    /// Starts the engine in a session's folder and runs the seed's start-up commands. Events go to
    /// the sink on a separate thread. The caller has called [`set_environment`].
    ///
    /// # Errors
    /// If the process cannot be started or the prelude fails.
    pub(crate) fn start(session: &Session, sink: Sink) -> Result<Engine> {
        let sink = SharedSink::new(sink);
        build::lay_out_shim(session)?;
        let mut command = child_command(session)?;
        let control =
            Control::prepare(&mut command).context("cannot prepare the process that runs cells")?;
        control
            .start_relay(sink.sink())
            .context("cannot start the thread that reads from cells")?;
        let (context, _outputs) = EvalContext::with_subprocess_command(command)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        // The engine's first evaluation, before there are dependencies, has emptied the lock file.
        // Without it cargo would resolve versions again, for seconds, and select untested ones.
        std::fs::copy(session.seed.lock_file(), session.folder.join("Cargo.lock"))
            .context("cannot write the session's Cargo.lock")?;
        let mut engine = Engine {
            context: CommandContext::with_eval_context(context),
            control,
            count: 0,
            optimization: Optimization::default(),
            dependencies: Dependencies::new(
                &session.folder,
                notebook_folder(&session.folder),
                sink,
            ),
        };
        engine.load_prelude()?;
        Ok(engine)
    }

    fn load_prelude(&mut self) -> Result<()> {
        let outcome = self.execute(":load_config --quiet", &|_, _| String::new());
        self.count = 0;
        outcome.into_result().map(|_| ()).map_err(|error| {
            let traceback = error.traceback.join("\n");
            anyhow::anyhow!("the prelude failed: {error}\n{traceback}")
        })
    }

    /// A handle to the process that runs cells. It remains valid when the process is restarted.
    pub(crate) fn child(&self) -> ChildHandle {
        ChildHandle {
            child: self.context.process_handle(),
            running: self.control.running(),
        }
    }

    /// Runs a cell to completion. `input` answers its prompts; the second argument is true for a
    /// password.
    pub(crate) fn execute(&mut self, code: &str, input: &dyn Fn(&str, bool) -> String) -> Outcome {
        self.count += 1;
        let without_dependencies = match self.dependencies.add(code, &mut self.context) {
            Ok(Some(rest)) if rest.trim().is_empty() => return Outcome::Ok(Map::new()),
            Ok(rest) => rest,
            Err(error) => return Outcome::Error(error),
        };
        let code = without_dependencies.as_deref().unwrap_or(code);
        if let Some(level) = self.optimization.change_for(code) {
            // As a build variable: the engine's own setting would restart rust-analyzer.
            let _ = self
                .context
                .execute(&format!(":build_env CARGO_PROFILE_DEV_OPT_LEVEL={level}"));
        }
        let cell = match prepare(code) {
            Ok(cell) => cell,
            Err(message) => return Outcome::Error(CellError::new("TooComplex", message)),
        };
        self.control.take_failure();
        let mut callbacks = EvalCallbacks {
            input_reader: &|request| input(&request.prompt, request.is_password),
        };
        let mut run = |code: &str| self.context.execute_with_callbacks(code, &mut callbacks);
        let result = match (run(&cell.code), &cell.unchecked) {
            (Err(evcxr::Error::CompilationErrors(_)), Some(unchecked)) => run(unchecked),
            (result, _) => result,
        };
        let failure = self.control.take_failure();
        match (result, failure) {
            (Err(error), _) => Outcome::Error(self.explain(error, code, cell.inserted_lines)),
            (Ok(_), Some(failure)) => Outcome::Error(runtime_error(&failure)),
            (Ok(outputs), None) => Outcome::Ok(content(outputs)),
        }
    }

    /// Names that cells can use, each with its type if it is a variable.
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

    /// Completions at a byte offset.
    pub(crate) fn complete(&mut self, code: &str, byte: usize) -> Option<evcxr::Completions> {
        check_depth(code).ok()?;
        self.context.completions(code, byte).ok()
    }

    /// Documentation of the name that ends at a byte offset, as text and as HTML.
    pub(crate) fn inspect(&mut self, code: &str, end: usize) -> Option<(String, String)> {
        check_depth(code).ok()?;
        let (text, html) = self.context.hover_at(code, end).ok()?;
        (text != "No documentation found").then_some((text, html))
    }

    /// Explains an error; `inserted_lines` precede the cell's code in the compiled source.
    fn explain(&self, error: evcxr::Error, code: &str, inserted_lines: usize) -> CellError {
        match error {
            evcxr::Error::CompilationErrors(errors) => {
                self.compile_error(&errors, code, inserted_lines)
            }
            evcxr::Error::SubprocessTerminated(reason) => {
                CellError::new("Died", exit_message(&reason))
            }
            error => CellError::new("Error", engine_message(&error.to_string())),
        }
    }

    fn compile_error(
        &self,
        errors: &[evcxr::CompilationError],
        code: &str,
        inserted_lines: usize,
    ) -> CellError {
        let messages: Vec<String> = errors
            .iter()
            .map(|error| plain_message(&error.message()))
            .collect();
        if let Some(message) = messages.iter().find_map(|message| full_disk(message)) {
            return CellError::new("Error", message);
        }
        let report = |error| plain_message(&self.report(error, code, inserted_lines));
        let mut traceback: Vec<String> = errors.iter().map(report).collect();
        if traceback.iter().any(|text| text.contains("found `i32`")) {
            traceback.push(INTEGER_HINT.to_owned());
        }
        CellError {
            name: "CompileError".into(),
            value: messages.join("\n"),
            traceback,
        }
    }

    /// A compiler error with the source lines that it concerns.
    fn report(&self, error: &evcxr::CompilationError, code: &str, inserted_lines: usize) -> String {
        let code = "\n".repeat(inserted_lines) + code;
        let name = format!("cell {}", self.count);
        let mut text = Vec::new();
        let report = error.build_report(name.clone(), code.clone(), Theme::Light);
        match report.map(|report| report.write(ariadne::sources([(name, code)]), &mut text)) {
            Some(Ok(())) => renumber(
                &merge_colors(String::from_utf8_lossy(&text).trim_end()),
                inserted_lines,
            ),
            _ => error.rendered(),
        }
    }
}

/// The command of the process that runs cells.
fn child_command(session: &Session) -> Result<Command> {
    let program = std::env::current_exe().context("cannot find the program's own path")?;
    let (name, path) = toolchain::library_path(&session.folder)?;
    let mut command = Command::new(program);
    command
        .env("CANDLEBOOK_KERNEL", "1")
        .env("CARGO_HOME", build::cargo_home()?)
        .env("PATH", build::original_path())
        .env(name, path)
        .env(HELPER, helper_library(session))
        // A separate process group, so that processes started by cells are killed with it.
        .process_group(0);
    Ok(command)
}

/// Error of a cell that compiled and then failed.
fn runtime_error(failure: &Failure) -> CellError {
    if failure.panic {
        CellError::new("Panic", panic_message(&failure.message))
    } else {
        CellError::new("Error", failure.message.trim().to_owned())
    }
}

/// Content by MIME type, with JSON parsed. A trailing loop or `if` has the value `()`, which is not
/// displayed.
fn content(outputs: EvalOutputs) -> Map<String, Value> {
    let parse = |mime: &str, text: &str| {
        let is_json = mime.contains("json");
        is_json.then(|| serde_json::from_str(text).ok()).flatten()
    };
    outputs
        .content_by_mime_type
        .into_iter()
        .filter(|(_, text)| text != "()")
        .map(|(mime, text)| {
            let parsed = parse(&mime, &text);
            (mime, parsed.unwrap_or(Value::String(text)))
        })
        .collect()
}

/// Sets the environment variables that the engine reads when it is created, and leaves the current
/// folder, which is the notebook's, for the session's: its files must not configure the engine, the
/// compiler or the loader. Cells still run in it.
///
/// # Safety
/// No other thread may run.
///
/// # Errors
/// If rustc is not installed or a folder's name contains a colon.
#[allow(unsafe_code)]
pub(crate) unsafe fn set_environment(session: &Session) -> Result<()> {
    // SAFETY: the caller promises that no other thread runs.
    unsafe {
        leave_notebook_folder(&session.folder)?;
        std::env::set_var(TOKEN, new_token());
        for (name, value) in session.seed.features().variables() {
            match value {
                Some(value) => std::env::set_var(name, value),
                None => std::env::remove_var(name),
            }
        }
        build::select_shim(session)?;
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
        .join(toolchain::host().unwrap_or_default())
        .join("debug/deps");
    let entries = std::fs::read_dir(deps)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let is_helper = |path: &PathBuf| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        name.starts_with("libcandlebook") && name.ends_with(std::env::consts::DLL_SUFFIX)
    };
    entries.filter(is_helper).max().unwrap_or_default()
}
