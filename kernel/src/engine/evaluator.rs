//! The engine: evcxr with its child process, its compiler and its error messages.
//!
//! Knows nothing of Jupyter: the server and `candlebook run` are two front ends of it.

use super::child::{BACKTRACE, HELPER};
use super::code::check_depth;
use super::control::Control;
use super::dependencies::Dependencies;
use super::event::Sink;
use super::items::CARRIER;
use super::lookup::{Candidates, Description, complete, describe, is_always_known, read_reference};
use super::memory::Memory;
use super::optimization::Optimization;
use super::outcome::Outcome;
use super::output::Output;
use super::process::ChildHandle;
use super::protocol::new_token;
use crate::build::{self, Session, TOKEN};
use crate::timings;
use crate::toolchain;
use crate::working_folder::{leave_notebook_folder, notebook_folder};
use anyhow::{Context, Result};
use evcxr::{CommandContext, EvalContext};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Variable with the key of the seed: ranks on other machines need the same.
pub(crate) const SEED: &str = "CANDLEBOOK_SEED";
/// Stack of a thread that runs an engine, in bytes. It is taken only as it is used.
pub(crate) const STACK: usize = 256 << 20;

/// A cell of a notebook.
#[derive(Clone, Copy)]
pub(crate) struct Cell<'a> {
    /// The number that the notebook shows.
    pub(crate) number: u32,
    /// The notebook's name of the cell, if the front end tells it.
    pub(crate) id: Option<&'a str>,
    pub(crate) code: &'a str,
}

/// An evcxr engine in a session's folder.
pub(crate) struct Engine {
    pub(super) context: CommandContext,
    pub(super) control: Control,
    pub(super) output: Output,
    /// The number of the cell that runs.
    pub(super) count: u32,
    pub(super) optimization: Optimization,
    pub(super) dependencies: Dependencies,
    pub(super) memory: Memory,
    /// Warnings about cells that have succeeded.
    pub(super) warnings: Vec<String>,
    /// The source of the last cell, as the engine wrote it.
    pub(super) source_file: PathBuf,
    /// The list of loaded statics.
    pub(super) statics_file: PathBuf,
    /// The session's folder.
    folder: PathBuf,
    /// The standard library's source.
    rust_src: PathBuf,
    /// True once rust-analyzer has the sources of dependencies and of the standard library.
    has_sources: bool,
}

/// The optimization level in Cargo.toml once rust-analyzer has all sources.
const LOADED_LEVEL: &str = "3";

impl Engine {
    /// Starts the engine in a session's folder and runs the seed's start-up commands. Events go to
    /// the sink on a separate thread. The caller has called [`set_environment`].
    ///
    /// # Errors
    /// If the process cannot be started or the prelude fails.
    pub(crate) fn start(session: &Session, sink: Sink) -> Result<Engine> {
        build::lay_out_shim(session)?;
        build::write_start(session)?;
        build::begin_start(&session.folder)?;
        let mut command = child_command(session)?;
        let control =
            Control::prepare(&mut command).context("cannot prepare the process that runs cells")?;
        let (output, sink) = Output::share(sink);
        control
            .start_relay(sink)
            .context("cannot start the thread that reads from cells")?;
        timings::begin("start the engine");
        let (context, _outputs) = EvalContext::with_subprocess_command(command)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        // The engine's first evaluation, before there are dependencies, has emptied the lock file.
        // Without it cargo would resolve versions again, for seconds, and select untested ones.
        std::fs::copy(session.seed.lock_file(), session.folder.join("Cargo.lock"))
            .context("cannot write the session's Cargo.lock")?;
        let mut engine = Engine {
            context: CommandContext::with_eval_context(context),
            control,
            dependencies: Dependencies::new(
                &session.folder,
                notebook_folder(&session.folder),
                output.clone(),
            ),
            output,
            count: 0,
            optimization: Optimization::default(),
            memory: Memory::default(),
            warnings: Vec::new(),
            source_file: build::engine_source_file(&session.folder),
            statics_file: build::statics_file(&session.folder),
            folder: session.folder.clone(),
            rust_src: toolchain::rust_src(&session.seed.folder, &toolchain::sysroot()?),
            has_sources: false,
        };
        timings::begin("load the prelude");
        engine.load_prelude()?;
        build::end_start(&session.folder);
        read_reference();
        timings::begin("wait for a cell");
        Ok(engine)
    }

    fn load_prelude(&mut self) -> Result<()> {
        let outcome = self.execute(
            Cell {
                number: 0,
                id: None,
                code: ":load_config --quiet",
            },
            &|_, _| None,
        );
        outcome.into_result().map(|_| ()).map_err(|error| {
            let traceback = error.traceback.join("\n");
            anyhow::anyhow!("the prelude failed: {error}\n{traceback}")
        })
    }

    /// Forgets all names of cells and loads the prelude again.
    pub(super) fn clear(&mut self) -> Result<()> {
        const LOCK_FILE: &str = "Cargo.lock";
        let count = self.count;
        let lock = std::fs::read(LOCK_FILE).context("cannot read the session's Cargo.lock")?;
        let cleared = self.context.execute(":clear");
        cleared.map_err(|error| anyhow::anyhow!("{error}"))?;
        // Without dependencies, the engine has emptied it.
        std::fs::write(LOCK_FILE, lock).context("cannot write the session's Cargo.lock")?;
        self.forget_cells();
        let loaded = self.load_prelude();
        self.count = count;
        loaded
    }

    /// A handle to the process that runs cells. It remains valid when the process is restarted.
    pub(crate) fn child(&self) -> ChildHandle {
        ChildHandle {
            child: self.context.process_handle(),
            running: self.control.running(),
            recovering: self.control.recovering(),
        }
    }

    /// Names that cells can use, each with its type if it is a variable.
    pub(crate) fn names(&self) -> Vec<(String, String)> {
        let variables = self
            .context
            .variables_and_types()
            .filter(|(name, _)| !self.memory.is_lost(name))
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        let items = self
            .context
            .defined_item_names()
            .filter(|name| !name.starts_with(CARRIER))
            .map(|name| (name.to_owned(), String::new()));
        variables.chain(items).collect()
    }

    /// True for a name that cells can use.
    pub(super) fn is_known(&self, name: &str) -> bool {
        let mut variables = self.context.variables_and_types();
        let mut items = self.context.defined_item_names();
        is_always_known(name)
            || variables.any(|(variable, _)| variable == name)
            || items.any(|item| item == name)
    }

    /// Lets rust-analyzer load the sources that lookups need, before the first one; false if it had them.
    pub(super) fn load_sources(&mut self) -> bool {
        if self.has_sources {
            return false;
        }
        self.has_sources = true;
        if let Err(error) = build::reveal_sources(&self.folder, &self.rust_src) {
            eprintln!("candlebook: completion is limited: {error:#}");
        }
        // rust-analyzer loads a project again when its Cargo.toml changes. The level there has no
        // other effect: each cell has its own.
        let _ = self.context.set_opt_level(LOADED_LEVEL);
        true
    }

    /// Completions at a byte offset.
    pub(crate) fn complete(&mut self, code: &str, byte: usize) -> Option<Candidates> {
        check_depth(code).ok()?;
        self.load_sources();
        let own = self.context.defined_item_names().map(str::to_owned);
        let own: Vec<String> = own.collect();
        complete(&mut self.context, code, byte, &own)
    }

    /// Describes the name that ends at a byte offset.
    pub(crate) fn inspect(&mut self, code: &str, end: usize) -> Option<Description> {
        check_depth(code).ok()?;
        self.load_sources();
        describe(&mut self.context, code, end)
    }

    /// Displays a variable; its outcome is empty if it displays itself.
    pub(crate) fn display(&mut self, name: &str) -> Outcome {
        let is_variable = self
            .context
            .variables_and_types()
            .any(|(variable, _)| variable == name);
        if !is_variable {
            return Outcome::Ok(Default::default());
        }
        let cell = Cell {
            number: self.count,
            id: None,
            code: &format!("&{name}"),
        };
        self.execute(cell, &|_, _| None)
    }
}

/// How often candle's idle threads look for work before they sleep. Its own 25,000 keeps the processor
/// from the planned step and from other programs, for half the speed of a custom loss.
const SPINS: (&str, &str) = ("CANDLE_BARRIER_POOL_SPIN_LIMIT", "100");

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
        .env(HELPER, helper_library(&session.folder))
        // A separate process group, so that processes started by cells are killed with it.
        .process_group(0);
    if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
        command.env(BACKTRACE, "1");
    }
    if std::env::var_os(SPINS.0).is_none() {
        command.env(SPINS.0, SPINS.1);
    }
    Ok(command)
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
        let key = session.seed.folder.file_name().unwrap_or_default();
        std::env::set_var(SEED, key);
        for (name, value) in session.seed.features().variables() {
            match value {
                Some(value) => std::env::set_var(name, value),
                None => std::env::remove_var(name),
            }
        }
        build::select_shim(session)?;
        std::env::set_var("EVCXR_TMPDIR", &session.folder);
        std::env::set_var("EVCXR_CONFIG_DIR", build::start_folder(session));
    }
    Ok(())
}

/// The helper crate's shared library in a session's folder.
pub(crate) fn helper_library(session: &Path) -> PathBuf {
    let deps = session
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
